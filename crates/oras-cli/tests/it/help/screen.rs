//! A help screen and its parts.

/// What `--help` shows of one command.
#[derive(Debug)]
pub(super) struct Screen {
    /// The names below `oras`.
    pub(super) names: Vec<String>,
    /// All of it.
    pub(super) text: String,
    /// The paragraphs at its top.
    pub(super) about: Vec<String>,
    /// What each example does, and the lines to type.
    pub(super) examples: Vec<(String, String)>,
    /// What to type.
    pub(super) usage: String,
    /// Other names.
    pub(super) aliases: Vec<String>,
    /// Names and descriptions of the commands below.
    pub(super) commands: Vec<(String, String)>,
    /// The flags, in order.
    pub(super) flags: Vec<Flag>,
}

/// One flag.
#[derive(Debug)]
pub(super) struct Flag {
    /// `-d, --debug`, with the placeholder of its value.
    pub(super) names: String,
    /// What it does; may be several lines.
    pub(super) about: String,
}

impl Flag {
    /// `--debug`.
    pub(super) fn long(&self) -> &str {
        let long = self.names.find("--").map_or("", |at| &self.names[at..]);
        long.split(' ').next().unwrap_or_default()
    }
}

impl Screen {
    /// Takes the screen of the command with these names apart.
    pub(super) fn read(names: &[String], text: &str) -> Self {
        let mut screen = Self {
            names: names.to_vec(),
            text: text.to_owned(),
            about: Vec::new(),
            examples: Vec::new(),
            usage: String::new(),
            aliases: Vec::new(),
            commands: Vec::new(),
            flags: Vec::new(),
        };
        for block in text.trim_end().split("\n\n") {
            screen.block(block);
        }
        assert!(
            !screen.usage.is_empty() && !screen.flags.is_empty(),
            "{text}"
        );
        screen
    }

    fn block(&mut self, block: &str) {
        let (head, body) = block.split_once('\n').unwrap_or((block, ""));
        match head {
            "Usage:" => self.usage = body.trim().to_owned(),
            "Aliases:" => self.aliases = body.trim().split(", ").map(str::to_owned).collect(),
            "Available Commands:" => self.commands = body.lines().map(command).collect(),
            "Flags:" => self.flags = flags(body),
            _ if head.starts_with("Use \"") => {}
            _ => match head.strip_prefix("Example - ") {
                Some(what) => {
                    let lines: Vec<&str> = body.lines().map(str::trim).collect();
                    self.examples.push((what.to_owned(), lines.join("\n")));
                }
                None => self.about.push(block.to_owned()),
            },
        }
    }

    /// `oras blob fetch`.
    pub(super) fn path(&self) -> String {
        self.joined(" ")
    }

    /// `oras-blob-fetch`.
    pub(super) fn id(&self) -> String {
        self.joined("-")
    }

    fn joined(&self, by: &str) -> String {
        let names = self.names.iter().map(String::as_str);
        ["oras"]
            .into_iter()
            .chain(names)
            .collect::<Vec<_>>()
            .join(by)
    }
}

fn command(line: &str) -> (String, String) {
    let (name, about) = line.trim().split_once(' ').unwrap();
    (name.to_owned(), about.trim().to_owned())
}

/// The descriptions stand in one column, which the line of `--help` shows.
fn flags(body: &str) -> Vec<Flag> {
    let help = body
        .lines()
        .find(|line| line.contains("-h, --help "))
        .unwrap();
    let column = help.find("help for ").unwrap();
    let mut flags: Vec<Flag> = Vec::new();
    for line in body.lines() {
        let (names, about) = line.split_at(column);
        match flags.last_mut() {
            Some(flag) if names.trim().is_empty() => {
                flag.about.push('\n');
                flag.about.push_str(about);
            }
            _ => flags.push(Flag {
                names: names.trim().to_owned(),
                about: about.to_owned(),
            }),
        }
    }
    flags
}
