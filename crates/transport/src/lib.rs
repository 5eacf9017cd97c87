//! How a service outside is reached, where it is not the system's own way: certificates and a proxy; signatures that tell
//! it who calls; and the words for connections that fail. It knows no service, and sends nothing itself.

mod signature;
mod transport;
mod words;

pub use signature::SigningKey;
pub use transport::{PROXY_LOGIN, ProxyConfig, Transport, TransportError, mend};
pub use words::{chain, shown};
