//! `--from-…` and `--to-…`: the flags of a target, for each end of a copy.

use std::marker::PhantomData;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};

use crate::option::referrers::DistributionSpecArgs;
use crate::option::target::TargetArgs;

/// Everything about one end.
#[derive(Debug, clap::Args)]
pub(crate) struct EndArgs {
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    #[command(flatten)]
    pub(crate) spec: DistributionSpecArgs,
}

/// What stands in front of the flags of an end.
pub(crate) trait Prefix {
    /// With the dash.
    const PREFIX: &'static str;
    /// For help.
    const NAME: &'static str;
}

/// Where content comes from.
#[derive(Debug)]
pub(crate) struct From;

impl Prefix for From {
    const PREFIX: &'static str = "from-";
    const NAME: &'static str = "source: ";
}

/// Where content goes to.
#[derive(Debug)]
pub(crate) struct To;

impl Prefix for To {
    const PREFIX: &'static str = "to-";
    const NAME: &'static str = "destination: ";
}

/// [`EndArgs`] under prefixed names, without short ones and without standard input.
#[derive(Debug)]
pub(crate) struct Prefixed<P> {
    pub(crate) end: EndArgs,
    prefix: PhantomData<P>,
}

/// The flags of an end under their own names.
fn plain() -> Command {
    EndArgs::augment_args(Command::new("end"))
}

fn id<P: Prefix>(arg: &Arg) -> String {
    format!("{}{}", P::PREFIX, arg.get_long().unwrap_or_default())
}

impl<P: Prefix> Args for Prefixed<P> {
    fn augment_args(command: Command) -> Command {
        let plain = plain();
        let args = plain
            .get_arguments()
            .filter(|arg| !id::<P>(arg).ends_with("-stdin"));
        let prefixed = args.map(|arg| {
            let id = id::<P>(arg);
            let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
            // The feature mark stays in front.
            let help = match help.split_once("] ") {
                Some((mark, rest)) if mark.starts_with('[') => format!("{mark}] {}{rest}", P::NAME),
                _ => format!("{}{help}", P::NAME),
            };
            arg.clone()
                .id(id.clone())
                .long(id)
                .short(None)
                .short_alias(None)
                .help(help)
        });
        command.args(prefixed)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<P: Prefix> FromArgMatches for Prefixed<P> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut words = vec!["end".to_owned()];
        let command = crate::pflag::prepare(plain());
        for arg in command.get_arguments() {
            let id = id::<P>(arg);
            if !matches.try_contains_id(&id).unwrap_or(false)
                || matches.value_source(&id) != Some(ValueSource::CommandLine)
            {
                continue;
            }
            for value in matches.get_raw(&id).into_iter().flatten() {
                words.push(format!(
                    "--{}={}",
                    arg.get_long().unwrap_or_default(),
                    value.to_string_lossy()
                ));
            }
        }
        let matches = command.try_get_matches_from(words)?;
        Ok(Self {
            end: EndArgs::from_arg_matches(&matches)?,
            prefix: PhantomData,
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
