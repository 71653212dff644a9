//! Content made for tests: graphs of artifacts, layouts written by hand, archives good and evil, trees of random files.

mod archive;
mod graph;
mod tree;

pub use archive::{TarEntry, docker_archive, gzip, gzip_bomb, tar_of};
pub use graph::{Graph, Node};
pub use tree::{Entry, Tree, assert_same_tree, noise, snapshot, sparse_file, write_noise};
