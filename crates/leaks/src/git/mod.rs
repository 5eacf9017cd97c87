//! Git repositories, read without running anything of them.

pub mod objects;
