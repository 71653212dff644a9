//! Progress events: what an operation tells while it runs.

use oras_spec::Descriptor;

/// Something that happened to one content during an operation.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The transfer begins. Once per content.
    Started(&'a Descriptor),
    /// So many bytes of the content were moved so far. Goes back when a transfer begins again.
    Progress {
        /// The content.
        descriptor: &'a Descriptor,
        /// Bytes moved so far, out of `descriptor.size`.
        bytes: u64,
    },
    /// The content of a manifest is here and its children are looked at.
    Processing(&'a Descriptor),
    /// The transfer is done and verified.
    Finished(&'a Descriptor),
    /// The content (and all below it) is at the destination already.
    Exists(&'a Descriptor),
    /// The content was mounted from another repository.
    Mounted(&'a Descriptor),
    /// The content was handled under another name before.
    Twin(&'a Descriptor),
    /// The content is left out, for example because it has no name.
    Skipped(&'a Descriptor),
    /// A file was made again from content that arrived under another name.
    Restored(&'a Descriptor),
    /// A name was given.
    Tagged(&'a str),
    /// Something went wrong that does not stop the operation.
    Warning(&'a str),
}

/// Takes the events of an operation. Called from many tasks; must be quick and must not block.
pub trait EventSink: Send + Sync {
    /// Takes one event.
    fn on_event(&self, event: &Event<'_>);
}

/// Any closure is a sink.
impl<F: Fn(&Event<'_>) + Send + Sync> EventSink for F {
    fn on_event(&self, event: &Event<'_>) {
        self(event);
    }
}

/// Drops every event.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoEvents;

impl EventSink for NoEvents {
    fn on_event(&self, _: &Event<'_>) {}
}
