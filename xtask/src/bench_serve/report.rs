//! Medians, ratios and what they should be.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// What is measured of each server, and in which unit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Unit {
    PerSecond,
    Millis,
    Mebibytes,
}

/// What has to hold of our median.
#[derive(Clone, Copy)]
pub(crate) enum Goal {
    /// None: it is only shown.
    None,
    /// At least so many times theirs.
    TimesTheirs(f64),
    /// At most so many times theirs.
    PartOfTheirs(f64),
    /// At most so much.
    AtMost(f64),
    /// At most so many times the first row of its group: hashing.
    TimesHashing(f64),
}

/// All that was measured, by row.
#[derive(Default)]
pub(crate) struct Report {
    rows: Vec<(String, Unit, Goal)>,
    values: BTreeMap<(String, &'static str), Vec<f64>>,
}

/// The row that [`Goal::TimesHashing`] is compared with, under our name.
pub(crate) const HASHING: &str = "SHA-256 of a 1 GiB file";

impl Report {
    /// Adds a row. Rows are shown in this order.
    pub(crate) fn row(&mut self, name: impl Into<String>, unit: Unit, goal: Goal) {
        self.rows.push((name.into(), unit, goal));
    }

    /// Takes down one measurement.
    pub(crate) fn add(&mut self, row: impl Into<String>, server: &'static str, value: f64) {
        self.values
            .entry((row.into(), server))
            .or_default()
            .push(value);
    }

    fn median(&self, row: &str, server: &'static str) -> Option<f64> {
        let mut values = self.values.get(&(row.to_owned(), server))?.clone();
        values.sort_by(f64::total_cmp);
        let upper = *values.get(values.len() / 2)?;
        let lower = *values.get((values.len() - 1) / 2)?;
        Some(f64::midpoint(lower, upper))
    }

    /// The table: medians, how ours compares with theirs, and whether that is what it should be.
    pub(crate) fn table(&self, ours: &'static str, theirs: &'static str) -> String {
        let mut text = format!(
            "{:<36} {ours:>12} {theirs:>16} {:>9}  wanted\n",
            "", "ratio"
        );
        for (row, unit, goal) in &self.rows {
            let (own, other) = (self.median(row, ours), self.median(row, theirs));
            let ratio = own.zip(other).map(|(own, other)| own / other);
            let shown = |value: Option<f64>| value.map_or("-".to_owned(), |value| unit.show(value));
            let hashing = self.median(HASHING, ours);
            let ratio_text = ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.2}x"));
            let verdict = own.map_or(String::new(), |own| {
                goal.verdict(*unit, own, other, hashing)
            });
            text.push_str(&format!(
                "{row:<36} {:>12} {:>16} {ratio_text:>9}  {verdict}\n",
                shown(own),
                shown(other)
            ));
        }
        text
    }

    /// Every single measurement.
    pub(crate) fn raw(&self) -> Value {
        let rows = self.rows.iter().map(|(row, unit, _)| {
            let servers = self.values.iter().filter(|((of, _), _)| of == row);
            let servers =
                servers.map(|((_, server), values)| ((*server).to_owned(), json!(values)));
            json!({
                "name": row,
                "unit": unit.name(),
                "values": Value::Object(servers.collect()),
            })
        });
        Value::Array(rows.collect())
    }
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Self::PerSecond => "1/s",
            Self::Millis => "ms",
            Self::Mebibytes => "MiB",
        }
    }

    fn show(self, value: f64) -> String {
        let digits = match self {
            Self::PerSecond => 0,
            Self::Millis if value >= 100.0 => 0,
            Self::Millis if value >= 1.0 => 2,
            Self::Millis => 4,
            Self::Mebibytes => 1,
        };
        format!("{value:.digits$} {}", self.name())
    }
}

impl Goal {
    fn verdict(self, unit: Unit, own: f64, theirs: Option<f64>, hashing: Option<f64>) -> String {
        let (holds, wanted) = match (self, theirs, hashing) {
            (Self::TimesTheirs(times), Some(theirs), _) => {
                (own >= times * theirs, format!("at least {times}x"))
            }
            (Self::PartOfTheirs(part), Some(theirs), _) => {
                (own <= part * theirs, format!("at most {part:.2}x"))
            }
            (Self::TimesHashing(times), _, Some(hashing)) => (
                own <= times * hashing,
                format!("at most {times}x hashing, is {:.2}x", own / hashing),
            ),
            (Self::AtMost(most), _, _) => (own <= most, format!("at most {}", unit.show(most))),
            _ => return String::new(),
        };
        let mark = if holds { "ok  " } else { "MISS" };
        format!("{mark}  {wanted}")
    }
}

#[cfg(test)]
mod tests {
    use super::{Goal, Unit};

    fn check(goal: Goal, own: f64, holds: bool) {
        let verdict = goal.verdict(Unit::Millis, own, Some(10.0), Some(100.0));
        assert_eq!(verdict.starts_with("ok"), holds, "{own}: {verdict}");
    }

    #[test]
    fn goals_hold_up_to_their_limit() {
        check(Goal::TimesTheirs(20.0), 200.0, true);
        check(Goal::TimesTheirs(20.0), 199.0, false);
        check(Goal::PartOfTheirs(0.5), 5.0, true);
        check(Goal::PartOfTheirs(0.5), 5.1, false);
        check(Goal::AtMost(64.0), 64.0, true);
        check(Goal::AtMost(64.0), 64.1, false);
        check(Goal::TimesHashing(1.2), 120.0, true);
        check(Goal::TimesHashing(1.2), 121.0, false);
    }
}
