//! The rotation engine against stand-ins that fail, lie and die at every point.

#[cfg(test)]
mod concurrency;
#[cfg(test)]
mod drills;
mod last_key;
#[cfg(test)]
mod leaks;
#[cfg(test)]
mod places;
#[cfg(test)]
mod property;
#[cfg(test)]
mod stalls;
#[cfg(test)]
mod support;
