//! What commands show: status lines, JSON, trees and tables. All of it is text; [`crate::output`] prints it.

pub(crate) mod json;
pub(crate) mod status;
pub(crate) mod table;
pub(crate) mod tree;
pub(crate) mod yaml;
