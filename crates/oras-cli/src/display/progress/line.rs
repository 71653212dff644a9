//! One row as two lines of a terminal, whatever its width.

use std::time::Instant;

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::row::{Row, Stage};
use crate::display::paint::{BRIGHT_GREEN, BRIGHT_RED, BRIGHT_YELLOW, ON_BRIGHT_BLUE, Paint};
use crate::display::units::{percent, share, size, time};

const SPINNER: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
/// Columns of a name that are worth giving up less important things for.
const NAME_COLUMNS: usize = 16;

/// A line, and how many columns it takes.
#[derive(Debug, Default)]
pub(super) struct Line {
    pub(super) text: String,
    pub(super) columns: usize,
}

impl Line {
    fn push(&mut self, text: &str) {
        self.columns += text.width();
        self.text.push_str(text);
    }

    fn push_painted(&mut self, text: &str, colour: &str, paint: Paint) {
        self.columns += text.width();
        self.text.push_str(&paint.with(colour, text));
    }
}

/// What of a row is shown, beside mark, verb and name.
#[derive(Clone, Copy)]
struct Shape {
    /// Cells of the bar; there is none without cells.
    bar: usize,
    speed: bool,
    right: Right,
}

#[derive(Clone, Copy)]
enum Right {
    Full,
    NoBytes,
    PercentOnly,
}

/// From wide to narrow.
const SHAPES: [Shape; 6] = [
    Shape::new(20, true, Right::Full),
    Shape::new(10, true, Right::Full),
    Shape::new(0, true, Right::Full),
    Shape::new(0, false, Right::Full),
    Shape::new(0, false, Right::NoBytes),
    Shape::new(0, false, Right::PercentOnly),
];

impl Shape {
    const fn new(bar: usize, speed: bool, right: Right) -> Self {
        Self { bar, speed, right }
    }
}

/// How the lines of a frame look.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    pub(super) now: Instant,
    /// The number of the frame.
    pub(super) frame: usize,
    pub(super) width: usize,
    pub(super) paint: Paint,
}

impl Look {
    /// Both lines of a row.
    pub(super) fn lines(&self, row: &Row) -> [Line; 2] {
        [self.head(row), self.digest(row)]
    }

    fn head(&self, row: &Row) -> Line {
        let mut first = None;
        for shape in SHAPES {
            let left = self.left(row, shape);
            let right = self.right(row, shape.right);
            let room = self.width.saturating_sub(left.columns + right.width());
            let text = format!(" {} {}", row.verb, row.name);
            let wanted = row.verb.width() + 2 + row.name.width().min(NAME_COLUMNS);
            first = Some((left, right, text, room));
            if wanted <= room {
                break;
            }
        }
        let Some((mut line, right, text, room)) = first else {
            return Line::default();
        };
        let text = cut(&text, room);
        let gap = room.saturating_sub(text.width());
        line.push(&text);
        line.push(&" ".repeat(gap));
        line.push(&cut(&right, self.width.saturating_sub(line.columns)));
        line
    }

    /// Mark, bar and speed.
    fn left(&self, row: &Row, shape: Shape) -> Line {
        let mut line = Line::default();
        match row.stage {
            Stage::Done(_) => line.push_painted("✓", BRIGHT_GREEN, self.paint),
            Stage::Failed(_) => line.push_painted("✗", BRIGHT_RED, self.paint),
            _ => {
                let mark = SPINNER.get(self.frame % SPINNER.len()).unwrap_or(&"⠋");
                line.push_painted(mark, BRIGHT_YELLOW, self.paint);
            }
        }
        if !row.is_open() {
            return line;
        }
        if shape.bar > 0 {
            // Between 0 and the number of cells.
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                clippy::cast_precision_loss
            )]
            let done = (percent(row.bytes(), row.total) / 100.0 * shape.bar as f64) as usize;
            let cell = if self.paint == Paint::Plain { "=" } else { " " };
            line.push(" [");
            line.push_painted(&cell.repeat(done), ON_BRIGHT_BLUE, self.paint);
            line.push(&".".repeat(shape.bar.saturating_sub(done)));
            line.push("]");
        }
        if shape.speed {
            let space = if shape.bar > 0 { "" } else { " " };
            line.push(&format!("{space}({:>7}/s)", size(row.speed())));
        }
        line
    }

    fn right(&self, row: &Row, right: Right) -> String {
        let waiting = matches!(row.stage, Stage::Waiting);
        let percent = percent(row.bytes(), row.total);
        let percent = if waiting { 0.0 } else { percent };
        let took = time(row.elapsed(self.now));
        match right {
            Right::Full => {
                let done = (!waiting).then(|| row.bytes());
                format!(" {} {percent:6.2}% {took:>6}", share(done, row.total))
            }
            Right::NoBytes => format!(" {percent:6.2}% {took:>6}"),
            Right::PercentOnly => format!(" {percent:6.2}%"),
        }
    }

    fn digest(&self, row: &Row) -> Line {
        let mut line = Line::default();
        line.push(&cut(&format!("  └─ {}", row.digest()), self.width));
        line
    }
}

/// At most so many columns of a text; what is cut ends in a dot.
fn cut(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > columns {
            break;
        }
        kept.push(c);
    }
    if columns > 0 {
        kept.push('.');
    }
    kept
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use oras::content::Event;
    use oras::spec::{Descriptor, annotation};

    use super::super::row::Rows;
    use super::*;
    use crate::display::status::Verbs;

    /// A row of 1.4 GB after 992 ms.
    fn rows(name: &str, bytes: Option<u64>) -> (Rows, Look) {
        let start = Instant::now();
        let mut content = Descriptor::of_bytes("test/type", b"");
        content.size = 1_503_238_553;
        content
            .annotations
            .insert(annotation::TITLE.into(), name.into());
        let mut rows = Rows::new(Verbs::UPLOAD, start);
        rows.take(&Event::Started(&content), start);
        let now = start + Duration::from_millis(992);
        let descriptor = &content;
        if let Some(bytes) = bytes {
            rows.take(
                &Event::Progress {
                    descriptor,
                    bytes: 0,
                },
                start,
            );
            rows.sample(start);
            rows.take(&Event::Progress { descriptor, bytes }, now);
            rows.sample(now);
        }
        if bytes == Some(content.size) {
            rows.take(&Event::Finished(&content), now);
        }
        let look = Look {
            now,
            frame: 1,
            width: 100,
            paint: Paint::Plain,
        };
        (rows, look)
    }

    #[track_caller]
    fn check(name: &str, bytes: Option<u64>, width: usize, expected: &str) {
        let (rows, look) = rows(name, bytes);
        let [head, digest] = Look { width, ..look }.lines(&rows.rows[0]);
        assert_eq!(head.text, expected);
        assert_eq!(head.columns, width);
        assert_eq!(head.text.width(), width);
        assert!(digest.columns <= width, "{}", digest.text);
    }

    #[test]
    fn a_row_in_flight_loses_what_matters_least_when_it_gets_narrow() {
        let half = Some(751_619_277);
        let checks = [
            (
                100,
                "⠙ [==========..........]( 723 MB/s) Uploading big.bin                     0.70/1.4 GB  50.00%  992ms",
            ),
            (
                80,
                "⠙ [==========..........]( 723 MB/s) Uploading big.bin 0.70/1.4 GB  50.00%  992ms",
            ),
            (
                70,
                "⠙ [=====.....]( 723 MB/s) Uploading big.bin 0.70/1.4 GB  50.00%  992ms",
            ),
            (40, "⠙ Uploading big.bin        50.00%  992ms"),
            (12, "⠙ U.  50.00%"),
        ];
        for (width, expected) in checks {
            check("big.bin", half, width, expected);
        }
        check(
            "a-longer-name.bin",
            half,
            80,
            "⠙ [=====.....]( 723 MB/s) Uploading a-longer-name.bin 0.70/1.4 GB  50.00%  992ms",
        );
        let long = "⠙ Uploading a-very-long-name.bin  50.00%";
        check("a-very-long-name.bin", half, 40, long);
        let waiting = "⠙ Uploading big.bin         0.00%     0s";
        check("big.bin", None, 40, waiting);
    }

    #[test]
    fn a_row_that_is_done_has_a_mark_and_no_bar() {
        let all = Some(1_503_238_553);
        check(
            "big.bin",
            all,
            80,
            "✓ Uploaded  big.bin                                    1.4/1.4 GB 100.00%  992ms",
        );
        let wide = "✓ Uploaded  日本語のとても長い.  100.00%";
        check("日本語のとても長い名前です", all, 40, wide);
    }

    #[test]
    fn colours_take_no_columns() {
        let (rows, look) = rows("big.bin", Some(751_619_277));
        let paint = Paint::Colours;
        let [head, _] = Look { paint, ..look }.lines(&rows.rows[0]);
        assert_eq!(head.columns, 100);
        assert!(
            head.text
                .starts_with("\x1b[93m⠙\x1b[0m [\x1b[104m          \x1b[0m..........]("),
            "{:?}",
            head.text
        );
    }
}
