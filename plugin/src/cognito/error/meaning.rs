//! What a refusal means: by its code, and where it has none, by its status.
//!
//! A table and nothing else. The codes are those of the service's model and of the
//! front ends before it.

use super::text::bare_code;

/// What a refusal means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Fewer requests, please.
    Throttled,
    /// A hard limit.
    Quota,
    /// The service failed.
    ServiceFailed,
    /// The service gave up on the request.
    TimedOut,
    /// The secret does not belong to the key, or something altered the request.
    WrongSignature,
    /// The clock is wrong.
    WrongClock,
    /// Signed for another region than the one that was asked.
    WrongScope,
    /// The key or the session token is unknown.
    UnknownKey,
    /// The session token has expired.
    ExpiredToken,
    /// The request carried no usable proof.
    NotAuthenticated,
    /// IAM says no.
    Denied,
    /// The firewall in front of the pool says no.
    Blocked,
    /// Something in front of the service says no.
    Intercepted,
    /// The user does not exist.
    NoSuchUser,
    /// The pool or the group does not exist.
    NoSuchResource,
    /// There is a user of this name.
    UserExists,
    /// An alias that should become the user's belongs to another one.
    AliasExists,
    /// The pool's set-up, or the user's state, forbids it.
    Forbidden,
    /// A Lambda trigger of the pool said no.
    LambdaRefused,
    /// A Lambda trigger of the pool failed, maybe after the change.
    LambdaFailed,
    /// The message to the user could not be delivered, maybe after the change.
    NotDelivered,
    /// A member of the request is wrong.
    InvalidInput,
    /// The page token is wrong.
    InvalidToken,
    /// The pool or its region does not offer the operation.
    NotOffered,
    /// The endpoint does not speak this API.
    NotThisApi,
    /// An answer that sends us elsewhere.
    Redirect,
    /// Anything else.
    Unknown,
}

pub(super) fn meaning_of_code(code: &str) -> Option<Meaning> {
    // Bare it is the word of many a proxy.
    if code == "ForbiddenException" {
        return Some(Meaning::Blocked);
    }
    // The same error is called `X` by some front ends and `XException` by others.
    let code = code.strip_suffix("Exception").unwrap_or(code);
    Some(match code {
        "TooManyRequests"
        | "Throttling"
        | "Throttled"
        | "RequestThrottled"
        | "RequestLimitExceeded"
        | "BandwidthLimitExceeded"
        | "SlowDown"
        | "PriorRequestNotComplete"
        | "EC2Throttled"
        | "TransactionInProgress"
        | "ProvisionedThroughputExceeded" => Meaning::Throttled,
        // Every AWS SDK retries this one; in Cognito it is a daily or absolute limit.
        "LimitExceeded" | "ServiceQuotaExceeded" => Meaning::Quota,
        "InternalError"
        | "InternalServer"
        | "InternalServerError"
        | "InternalFailure"
        | "ServiceUnavailable" => Meaning::ServiceFailed,
        "RequestTimeout" => Meaning::TimedOut,
        "InvalidSignature" | "SignatureDoesNotMatch" | "AuthFailure" => Meaning::WrongSignature,
        "RequestExpired" | "RequestTimeTooSkewed" | "RequestInTheFuture" => Meaning::WrongClock,
        "UnrecognizedClient" | "InvalidClientTokenId" | "InvalidAccessKeyId" => Meaning::UnknownKey,
        "ExpiredToken" => Meaning::ExpiredToken,
        "MissingAuthenticationToken" | "IncompleteSignature" => Meaning::NotAuthenticated,
        "AccessDenied" | "NotAuthorized" | "UnauthorizedOperation" => Meaning::Denied,
        "UserNotFound" => Meaning::NoSuchUser,
        "ResourceNotFound" => Meaning::NoSuchResource,
        "UsernameExists" => Meaning::UserExists,
        "AliasExists" => Meaning::AliasExists,
        "InvalidEmailRoleAccessPolicy"
        | "InvalidPassword"
        | "InvalidSmsRoleAccessPolicy"
        | "InvalidSmsRoleTrustRelationship"
        | "PreconditionNotMet"
        | "UnsupportedUserState" => Meaning::Forbidden,
        "UserLambdaValidation" => Meaning::LambdaRefused,
        "UnexpectedLambda" | "InvalidLambdaResponse" => Meaning::LambdaFailed,
        "CodeDeliveryFailure" => Meaning::NotDelivered,
        "InvalidParameter" | "Validation" | "ValidationError" => Meaning::InvalidInput,
        "InvalidToken" => Meaning::InvalidToken,
        "OperationNotEnabled"
        | "UserPoolAddOnNotEnabled"
        | "FeatureUnavailableInTier"
        | "OptInRequired" => Meaning::NotOffered,
        "UnknownOperation" | "Serialization" | "InvalidAction" | "Unsupported" => {
            Meaning::NotThisApi
        }
        _ => return None,
    })
}

/// The statuses that a proxy or a portal uses for its own refusals.
pub(super) fn refuses_access(status: u16) -> bool {
    matches!(status, 401 | 403)
}

pub(super) fn is_known(code: &str) -> bool {
    meaning_of_code(bare_code(code)).is_some()
}

pub(super) fn meaning_of_status(status: u16) -> Meaning {
    match status {
        300..=399 => Meaning::Redirect,
        401 => Meaning::NotAuthenticated,
        403 => Meaning::Denied,
        404 | 405 | 415 => Meaning::NotThisApi,
        408 => Meaning::TimedOut,
        429 => Meaning::Throttled,
        500..=599 => Meaning::ServiceFailed,
        _ => Meaning::Unknown,
    }
}
