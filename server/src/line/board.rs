//! What a node knows of its lines.

/// What a node knows of its lines.
#[derive(Debug, Default)]
pub struct Board {}
