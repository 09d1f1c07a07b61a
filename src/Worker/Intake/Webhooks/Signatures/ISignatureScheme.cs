namespace LeadPipeline.Worker.Intake.Webhooks.Signatures;

/// <summary>How a sender proves that a post is its own. Pure: the same post, secrets and time give the same verdict.</summary>
public interface ISignatureScheme
{
    /// <summary>Whether the post was made by someone who has one of the secrets, and lately.</summary>
    /// <param name="request">The post.</param>
    /// <param name="secrets">Several while they are being rotated. All are tried, so that the time tells nothing.</param>
    /// <param name="now">The time here.</param>
    /// <param name="tolerance">How far the sender's time may be from ours, either way.</param>
    SignatureVerdict Verify(WebhookRequest request, IReadOnlyList<string> secrets, DateTimeOffset now, TimeSpan tolerance);

    /// <summary>Why this cannot be a secret of the scheme, completing "the value …"; null when it can.</summary>
    string? Refuse(string secret) => secret.Length == 0 ? "is empty" : null;
}

/// <summary>Whether a post is the sender's own.</summary>
/// <param name="Reason">Why not, without any value of the post; null when it is.</param>
public readonly record struct SignatureVerdict(string? Reason)
{
    /// <summary>It is the sender's own.</summary>
    public static readonly SignatureVerdict Genuine = new(null);

    /// <summary>Whether it is.</summary>
    public bool IsGenuine => Reason is null;

    /// <summary>It is not, or nobody can tell.</summary>
    public static SignatureVerdict Refused(string reason) => new(reason);

    /// <summary>The usual end of a check.</summary>
    internal static SignatureVerdict Of(bool matches) => matches ? Genuine : new("the signature does not match");
}
