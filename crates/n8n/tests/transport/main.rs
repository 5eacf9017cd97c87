//! Ways to an instance: certificates of one's own on both sides, and proxies, with real TLS on the loopback.

#[cfg(test)]
mod cases;
#[cfg(test)]
mod proxy;
#[cfg(test)]
mod tls;
