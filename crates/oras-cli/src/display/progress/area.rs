//! The lines at the bottom of a terminal that are drawn again and again.

use std::fmt::Write as _;

use super::line::Line;

const HIDE_CURSOR: &str = "\x1b[?25l";
const SHOW_CURSOR: &str = "\x1b[?25h";
const CLEAR_LINE: &str = "\x1b[K";
const CLEAR_BELOW: &str = "\x1b[J";

/// What is on the screen now, just above the cursor.
#[derive(Debug, Default)]
pub(super) struct Area {
    /// The columns of each line.
    shown: Vec<usize>,
    begun: bool,
}

impl Area {
    /// What draws `lasting`, which stays, and `live` below it in place of what was shown.
    pub(super) fn draw(&mut self, lasting: &[Line], live: &[Line], width: usize) -> String {
        let mut text = String::new();
        if !self.begun && (!lasting.is_empty() || !live.is_empty()) {
            self.begun = true;
            text.push_str(HIDE_CURSOR);
        }
        text.push_str(&self.back(width));
        for line in lasting.iter().chain(live) {
            // Behind the last column there is nothing to clear: some terminals would clear the column itself.
            let clear = if line.columns < width { CLEAR_LINE } else { "" };
            let _ = writeln!(text, "{}{clear}", line.text);
        }
        if self.shown.len() > live.len() || !lasting.is_empty() {
            text.push_str(CLEAR_BELOW);
        }
        self.shown = live.iter().map(|line| line.columns).collect();
        text
    }

    /// What takes the lines away, so that something else can be printed in their place.
    pub(super) fn erase(&mut self, width: usize) -> String {
        let mut text = self.back(width);
        if !self.shown.is_empty() {
            text.push_str(CLEAR_BELOW);
        }
        self.shown.clear();
        text
    }

    /// What leaves the terminal as it was.
    pub(super) fn close(&mut self) -> &'static str {
        match std::mem::take(&mut self.begun) {
            true => SHOW_CURSOR,
            false => "",
        }
    }

    /// To the first of the lines. A terminal that got narrower has broken those that no longer fit.
    fn back(&self, width: usize) -> String {
        let rows = |columns: &usize| columns.div_ceil(width.max(1)).max(1);
        match self.shown.iter().map(rows).sum::<usize>() {
            0 => String::new(),
            up => format!("\x1b[{up}F"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Line {
        Line {
            text: text.to_owned(),
            columns: text.len(),
        }
    }

    #[test]
    fn lines_are_drawn_over_each_other_and_lasting_ones_stay() {
        let mut area = Area::default();
        let first = area.draw(&[], &[line("a"), line("b")], 80);
        assert_eq!(first, "\x1b[?25la\x1b[K\nb\x1b[K\n");
        let next = area.draw(&[line("A")], &[line("b")], 80);
        assert_eq!(next, "\x1b[2FA\x1b[K\nb\x1b[K\n\x1b[J");
        assert_eq!(area.erase(80), "\x1b[1F\x1b[J");
        assert_eq!(area.close(), "\x1b[?25h");
        assert_eq!(area.close(), "");
    }

    #[test]
    fn nothing_is_written_for_nothing() {
        let mut area = Area::default();
        assert_eq!(area.draw(&[], &[], 80), "");
        assert_eq!(area.erase(80), "");
        assert_eq!(area.close(), "");
    }

    #[test]
    fn lines_that_a_narrower_terminal_broke_are_drawn_over() {
        let mut area = Area::default();
        area.draw(&[], &[line(&"x".repeat(79)), line("y")], 80);
        assert!(area.draw(&[], &[line("x")], 40).starts_with("\x1b[3F"));
    }
}
