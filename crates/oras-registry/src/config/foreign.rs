//! How words in a file name what other modules define.

use serde::{Deserialize, Deserializer};

use crate::layout::Durability;
use crate::server::ClientAuth;

#[derive(Deserialize)]
#[serde(remote = "Durability", rename_all = "lowercase")]
enum DurabilityWord {
    None,
    Manifest,
    Blob,
}

pub(super) fn durability<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Durability, D::Error> {
    DurabilityWord::deserialize(deserializer)
}

#[derive(Deserialize)]
#[serde(remote = "ClientAuth", rename_all = "lowercase")]
enum ClientAuthWord {
    Request,
    Require,
}

pub(super) fn client_auth<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<ClientAuth>, D::Error> {
    ClientAuthWord::deserialize(deserializer).map(Some)
}
