//! The double over HTTP, asked by a client that shares no code with it: the signer is AWS's own.

#[cfg(test)]
mod client;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod paging;
#[cfg(test)]
mod program;
#[cfg(test)]
mod quotas;
#[cfg(test)]
mod reading;
#[cfg(test)]
mod signing;
#[cfg(test)]
mod writing;
