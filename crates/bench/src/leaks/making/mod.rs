//! Makes what is scanned: a history of ten years and a work tree, both by seed.

mod branch;
mod changes;
mod code_base;
mod dice;
mod file;
mod folders;
mod history;
mod keys;
mod repository;
mod stream;
mod text;
mod vocabulary;
mod work_tree;

pub(crate) use history::Shape;
pub(crate) use repository::{Made, add_commits, ensure_history, git};
pub(crate) use work_tree::{As, ensure_tree};
