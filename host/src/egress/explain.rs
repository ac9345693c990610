//! What a refusal means and what would allow it, for whoever is called at night.
//!
//! An audit record says in one word why a request got no answer. Here each of these words is
//! explained, by an exhaustive match, so that a new rule cannot be left without words. Where
//! an honest component never meets a rule this is said plainly: not every refusal is
//! something to be got out of the way.

use serde::Serialize;

use super::words::{Failure, Rule};

/// A word of an audit record, explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// Who refused it, or could not carry it out.
    pub by: &'static str,
    /// What happened and why that is so.
    pub meaning: &'static str,
    /// What would allow it, or that nothing should.
    pub what_would_allow_it: &'static str,
}

impl Rule {
    /// What it means.
    pub fn explanation(self) -> Explanation {
        let (meaning, what_would_allow_it) = match self {
            Self::NoCall => (
                "the component wanted to use the network while it was started or asked to \
                 describe itself; that happens without network, so that it can neither fit its \
                 description to who asks nor tell anybody that it runs here",
                "nothing should: the component did something that it was not approved for, and \
                 an honest one never does. Do not run it again; report it, with this record, to \
                 whoever gave it to you",
            ),
            Self::Origin => (
                "the request went to another place than the one that this connection may reach, \
                 or its URL was written so that its place is in doubt",
                "if that is a place of yours, name it with --endpoint-url, or correct the setting \
                 that the address is made of (as a rule the region). If it is not, nothing \
                 should: the component did something that it was not approved for; report it, \
                 with this record, to whoever gave it to you",
            ),
            Self::Protocol => (
                "the request does not have the form that the trust record gives to the \
                 component's protocol: method, path, content type, and exactly one name of an \
                 operation; what servers may read in two ways is refused and not interpreted",
                "nothing on this side: no setting changes it. The component does not keep to its \
                 own protocol; report it to whoever gave it to you. If it is a mistake, a newer \
                 version mends it",
            ),
            Self::Operation => (
                "the trust record of the component does not have the operation",
                "a new approval, if a newer version of the component honestly needs it: look at \
                 what it asks for with `connector inspect FILE.wasm`, then approve it with \
                 `connector plugin trust FILE.wasm`. If you can't tell what it needs it for, \
                 nothing should: the component did something that it was not approved for; \
                 report it",
            ),
            Self::Function => (
                "the trust record has the operation, and not for the call that was in progress: \
                 each call may send only what it is for",
                "a new approval in which the operation is assigned to this call, if the \
                 component honestly needs it there (`connector inspect FILE.wasm` shows what is \
                 assigned to what). For the built-in component nothing should: it did something \
                 that it was not approved for; report it",
            ),
            Self::ReadingCall => (
                "the operation changes something, and the call that was in progress is one that \
                 only reads: no trust record and no option makes it change anything",
                "nothing should: the component did something that it was not approved for. Do not \
                 run it with --provisioning again; report it, with this record, to whoever gave \
                 it to you",
            ),
            Self::Provisioning => (
                "the operation changes something, and this run may change nothing: a command that \
                 only reads, or a dry run",
                "if a change was meant: a changing command with --provisioning and without \
                 --dry-run. A command that only reads (sync, get, validate) never needs it: there \
                 nothing should, the component did something that it was not approved for; report \
                 it",
            ),
            Self::SecondChange => (
                "the call had sent a change already, and the service had not refused that one; a \
                 call makes one change, and a change is never sent twice",
                "nothing should. Look at the records before this one for what became of the first \
                 change, then run the command again: what is done already is not done twice. If \
                 the first one was answered, the component did something that it was not \
                 approved for; report it",
            ),
            Self::Header => (
                "a header made the request ambiguous: one that counts stood there twice, or the \
                 body was encoded so that it can't be judged",
                "nothing should: no setting leads to such a request. The component does not keep \
                 to its own protocol, or tried to slip something past the judge; report it",
            ),
            Self::Size => (
                "the request is larger than any honest one: its body, or the number of its header \
                 fields",
                "a smaller request: if a value of yours is very long (an attribute, a \
                 description), shorten it; `reason` and `allowed` say what was too large, and \
                 each limit has an option. If nothing of yours is long, nothing should: report it",
            ),
            Self::Body => (
                "the body of the request can't be judged: it is no JSON object, or a key stands \
                 in it twice, which the service could read otherwise than the judge",
                "nothing should: no setting leads to such a request. The component is broken, or \
                 tried to slip something past the judge; report it",
            ),
            Self::Member => (
                "the request carries a member that the trust record does not let it send in this \
                 call: what nobody asked for (an invitation, a second address, a message to a \
                 trigger) must not go along",
                "a new approval that names the member, if a newer version of the component \
                 honestly needs it (`connector inspect FILE.wasm` shows what it asks for). For \
                 the built-in component nothing should: it did something that it was not approved \
                 for; report it",
            ),
            Self::Binding => (
                "a member of the request does not have the one value that the settings or the \
                 call give it: the component wanted to act on another system, or on somebody or \
                 something else, than it was asked to",
                "nothing should: the component did something that it was not approved for, even \
                 if by mistake. Do not run it with --provisioning again; report it, with this \
                 record, to whoever gave it to you",
            ),
        };
        Explanation {
            by: "the sandbox, by a rule of the policy; nothing was sent",
            meaning,
            what_would_allow_it,
        }
    }
}

impl Failure {
    /// What it means.
    pub fn explanation(self) -> Explanation {
        let (by, meaning, what_would_allow_it) = match self {
            Self::Resolve => (
                "the resolver of names; nothing was sent",
                "the name of the service did not resolve, or not in time",
                "a working resolver (DNS) on this machine, and a correct region or \
                 --endpoint-url, of which the name is made",
            ),
            Self::Address => (
                "the sandbox, by the address; nothing was sent",
                "every address that the name resolved to is one that no request may go to: \
                 metadata, link-local, multicast, reserved, or loopback and private without an \
                 endpoint that you named",
                "--endpoint-url, if the service is at a private or loopback address on purpose \
                 (a VPC endpoint, an emulator). Metadata, link-local, multicast and reserved \
                 addresses: nothing. If you expected a public address, somebody else answers for \
                 that name: look at the resolver (DNS) before you allow anything",
            ),
            Self::ConnectionLimit => (
                "the limits of the host; nothing was sent",
                "as many connections were open as are allowed, and none became free in time",
                "fewer requests side by side (--workers), or a service that answers faster; look \
                 whether one hangs",
            ),
            Self::Connect => (
                "the network; nothing was sent",
                "no connection came about: nobody listens there, or a firewall is in between",
                "a route to the service: check the network, the firewall, and --endpoint-url if \
                 one is set",
            ),
            Self::Tls => (
                "the host; nothing was sent",
                "the server's certificate is not trusted, or no TLS connection came about \
                 otherwise",
                "a certificate that the system's store trusts: if a proxy of your own opens TLS, \
                 install its root certificate there. If none does, somebody stands in between: do \
                 not go on",
            ),
            Self::Timeout => (
                "the limits of the host; the request was sent",
                "the answer did not come, or not to its end, in the request's time",
                "another try. Whether a change took effect is told by the `ended` record of the \
                 same run",
            ),
            Self::Size => (
                "the limits of the host; the request was sent",
                "the answer is larger than any honest one",
                "nothing on this side, if the service is the real one. Otherwise look at what \
                 --endpoint-url names",
            ),
            Self::Incomplete => (
                "the network; the request was sent",
                "the connection broke before the answer was complete",
                "another try. Whether a change took effect is told by the `ended` record of the \
                 same run",
            ),
            Self::Protocol => (
                "the host; the request was sent",
                "the answer is not HTTP as this program understands it",
                "a service that speaks HTTP at that place: look at --endpoint-url, and whether a \
                 proxy or captive portal answers instead",
            ),
            Self::Credentials => (
                "the credentials of this machine; nothing was sent",
                "the host signs the requests, and had no credentials to sign this one with, or \
                 the source of them (an SSO session, a role, an instance) gave none anew",
                "credentials that are good: `connector validate` says what is wrong with those \
                 that there are. After the end of an SSO session it takes `aws sso login`",
            ),
            Self::RequestBody => (
                "the component; nothing was sent",
                "the component did not write its request to the end",
                "nothing on this side: the component is broken; report it",
            ),
            Self::CallDeadline => (
                "the limits of the host; nothing was sent",
                "the time of the call was over before the request was complete or had its turn",
                "another try. If it stays so, the pace is too low for what is asked (--max-rate), \
                 or the component wastes its time; report that",
            ),
        };
        Explanation {
            by,
            meaning,
            what_would_allow_it,
        }
    }
}

/// Explains the verdict of an audit record, be it of a request that was not refused here.
/// `None` if another version of this program has written it.
pub fn of_verdict(verdict: &str) -> Option<Explanation> {
    if let Some(word) = verdict.strip_prefix("denied:") {
        let rule = Rule::ALL.iter().find(|rule| rule.word() == word)?;
        return Some(rule.explanation());
    }
    if let Some(word) = verdict.strip_prefix("failed:") {
        let failure = Failure::ALL.iter().find(|failure| failure.word() == word)?;
        return Some(failure.explanation());
    }
    let (by, meaning, what_would_allow_it) = match verdict {
        "no-permit" => (
            "the pace of the host; nothing was sent",
            "no turn came in time: the class of the operation is at its pace, or the service has \
             throttled it down. A request that the component itself has signed waits 60 s at \
             most, and is then made anew by itself",
            "time: run it again later. If the account's quota has room, --max-rate CLASS=RPS \
             raises the pace; if records with the verdict `throttled` stand before this one, it \
             has none",
        ),
        "throttled" => (
            "the service",
            "the service demanded fewer requests; the host slows down and asks again by itself",
            "nothing to do, unless it never ends: then somebody else uses up the quota of the \
             account, or --max-rate is set too high",
        ),
        "abandoned" => (
            "nobody",
            "the service answered, and nobody read the answer to its end: the run was \
             interrupted, or the component had seen enough",
            "nothing to do",
        ),
        "answered" => (
            "nobody here: the service answered, and if it refused, its `status` says so",
            "the sandbox let the request pass, and the answer went to the component",
            "if the service refused it for a missing right, `connector validate` lists what is \
             missing",
        ),
        _ => return None,
    };
    Some(Explanation {
        by,
        meaning,
        what_would_allow_it,
    })
}

#[cfg(test)]
mod tests;
