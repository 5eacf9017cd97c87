//! The rotation engine against stand-ins that fail, lie and die at every point.

#[cfg(test)]
mod adoption;
#[cfg(test)]
mod concurrency;
#[cfg(test)]
mod decade;
#[cfg(test)]
mod deliveries;
#[cfg(test)]
mod discards;
#[cfg(test)]
mod drifts;
#[cfg(test)]
mod drills;
#[cfg(test)]
mod handover;
#[cfg(test)]
mod hooks;
mod last_key;
#[cfg(test)]
mod leaks;
#[cfg(test)]
mod places;
#[cfg(test)]
mod property;
#[cfg(test)]
mod scheduling;
#[cfg(test)]
mod stalls;
#[cfg(test)]
mod support;
#[cfg(test)]
mod surveys;
