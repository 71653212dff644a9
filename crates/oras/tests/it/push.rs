//! From local content to an artifact somewhere else.

use oras::content::{ErrorKind, Resolve};
use oras::spec::Descriptor;
use oras::{AttachOptions, Created, PushOptions, attach, discover, push};

use crate::support::*;

fn options() -> PushOptions {
    let mut options = PushOptions::default();
    options.pack.artifact_type = Some("application/vnd.test".into());
    options.pack.created = Created::Omit;
    options
}

#[tokio::test]
async fn an_artifact_has_all_its_names() {
    for target in [Probe::new(), Probe::registry("r", "to")] {
        let here = memory();
        let mut options = options();
        let (copy, events) = recorded();
        options.copy = copy;
        options.pack.layers = vec![titled(&blob(here.as_ref(), "foo").await, "foo.txt")];
        options.tags = vec!["v2".into(), "v3".into()];
        let pushed = push(&here, &target.target(), "v1", &options).await.unwrap();

        complete(target.store(), pushed.descriptor()).await;
        for tag in ["v1", "v2", "v3"] {
            let named = target.store().resolve(tag).await.unwrap();
            assert_eq!(named.digest, pushed.descriptor().digest);
        }
        assert_eq!(
            events.sorted(),
            [
                "finished empty",
                "finished foo.txt",
                "finished image",
                "started empty",
                "started foo.txt",
                "started image",
                "tagged v2",
                "tagged v3"
            ]
        );
        // One look at each content, also for three names.
        assert_eq!(target.total(Op::Exists), 3);
    }
}

#[tokio::test]
async fn something_is_attached_without_its_subject_being_here() {
    let target = Probe::registry("r", "to");
    let there = target.target();
    let subject = manifest(there.as_ref(), vec![blob(there.as_ref(), "app").await]).await;
    target.forget_counts();

    let here = memory();
    let mut attaching = AttachOptions::default();
    attaching.pack.artifact_type = Some("application/sbom".into());
    attaching.pack.layers = vec![blob(here.as_ref(), "sbom").await];
    let attached = attach(&here, &subject, &there, &attaching).await.unwrap();

    assert_eq!(attached.subject().unwrap().digest, subject.digest);
    assert_eq!(target.count(Op::Exists, &subject), 0);
    assert_eq!(target.names(), Vec::<String>::new());
    let tree = discover(&target.source(), &subject, &Default::default())
        .await
        .unwrap();
    assert_eq!(
        tree.referrers[0].descriptor.digest,
        attached.descriptor().digest
    );
    assert_eq!(
        tree.referrers[0].descriptor.artifact_type.as_deref(),
        Some("application/sbom")
    );
}

#[tokio::test]
async fn a_layer_that_is_not_here_is_an_error_and_nothing_is_named() {
    let target = Probe::new();
    let mut options = options();
    options.pack.layers = vec![Descriptor::of_bytes("x/y", b"gone")];
    let error = push(&memory(), &target.target(), "v1", &options)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(target.names(), Vec::<String>::new());
}
