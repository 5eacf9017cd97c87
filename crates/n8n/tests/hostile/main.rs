//! Servers that are no honest n8n: every answer ends in a clear error, in time, within bounds.

#[cfg(test)]
mod cases;
#[cfg(test)]
mod lists;
#[cfg(test)]
mod stand;
