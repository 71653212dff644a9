//! `oras serve check`

use oras_registry::layout::{CheckOptions, CheckReport, Problem};
use serde::Serialize;

use crate::command::Run;
use crate::display::json::pretty;
use crate::display::size;
use crate::error::Error;
use crate::option::format::{self, Format};
use crate::option::settings::{ConfigArgs, FlagLayer};
use crate::output;
use crate::session::Session;
use crate::usage::Arity;

/// Look whether everything in the folder of a registry is what it should be
///
/// Reads all content and compares it with its digest, and looks whether everything is there that an index lists and a
/// manifest needs. Servers can run meanwhile. The exit code is 1 if anything is wrong.
///
/// With --repair damaged content is set aside in the folder '.oras/quarantine': then it is not found any more, and whoever
/// has it can push it again.
#[derive(Debug, clap::Parser)]
#[command(
    name = "check",
    verbatim_doc_comment,
    override_usage = "check [flags] [folder]",
    after_help = "Example - Check the folder './registry':
  oras serve check

Example - Check './data' beside a busy server, reading 20 MiB a second, and set aside what is damaged:
  oras serve check ./data --rate 20MiB --repair"
)]
pub(crate) struct Check {
    #[command(flatten)]
    config: ConfigArgs,
    /// set damaged content aside
    #[arg(long)]
    repair: bool,
    /// how much to read in a second (default: no limit)
    #[arg(long, value_name = "size")]
    rate: Option<String>,
    /// format of the output: 'text' or 'json'
    #[arg(long, default_value = "text")]
    format: String,
}

/// `--format json`
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Model<'a> {
    repositories: u64,
    blobs: u64,
    bytes: u64,
    problems: Vec<Wrong<'a>>,
    /// How many more there are.
    more: u64,
}

#[derive(Serialize)]
struct Wrong<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    repository: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<&'a str>,
    problem: String,
    repaired: bool,
}

impl Run for Check {
    const ARITY: Arity = Arity::at_most(1, "the folder of the registry");

    async fn run(self, _: &Session, args: &[String]) -> Result<(), Error> {
        let format = format::check(&self.format, "", "json, text")?;
        let mut options = CheckOptions::default();
        options.repair = self.repair;
        if let Some(rate) = &self.rate {
            let rate = oras_registry::config::parse_size(rate);
            let wrong = |what| Error::told(format!("invalid argument for \"--rate\": {what}"));
            options.bytes_per_second = Some(rate.map_err(wrong)?).filter(|rate| *rate > 0);
        }
        let mut flags = FlagLayer::default();
        flags.folder(args.first())?;
        let config = self.config.under(flags)?;
        let driver = super::existing(&config, !self.repair)?;
        let report = driver.check(options).await;
        let report = report.map_err(|error| Error::caused(&error))?;
        match format {
            Format::Json => output::text(&pretty(&model(&report))?)?,
            _ => tell(&report)?,
        }
        match report.problems.len() as u64 + report.more {
            0 => Ok(()),
            1 => Err(Error::told("1 problem found".to_owned())),
            count => Err(Error::told(format!("{count} problems found"))),
        }
    }
}

fn tell(report: &CheckReport) -> Result<(), Error> {
    for problem in &report.problems {
        let Problem {
            damage, repaired, ..
        } = problem;
        let place = match (&problem.repository, &problem.digest) {
            (Some(repository), Some(digest)) => format!("{repository}@{digest}"),
            (Some(repository), None) => repository.clone(),
            (None, Some(digest)) => digest.to_string(),
            (None, None) => String::new(),
        };
        let aside = match repaired {
            true => " (set aside)",
            false => "",
        };
        output::line(&format!("{place}: {damage}{aside}"))?;
    }
    let (blobs, repositories) = (report.blobs, report.repositories);
    let bytes = size(report.bytes);
    output::line(&format!(
        "Checked {blobs} blobs of {bytes} in {repositories} repositories"
    ))
}

fn model(report: &CheckReport) -> Model<'_> {
    let problems = report.problems.iter().map(|problem| Wrong {
        repository: problem.repository.as_deref(),
        digest: problem.digest.as_ref().map(oras::spec::Digest::as_str),
        problem: problem.damage.to_string(),
        repaired: problem.repaired,
    });
    Model {
        repositories: report.repositories,
        blobs: report.blobs,
        bytes: report.bytes,
        problems: problems.collect(),
        more: report.more,
    }
}
