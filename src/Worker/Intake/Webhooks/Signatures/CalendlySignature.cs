using System.Text;

namespace LeadPipeline.Worker.Intake.Webhooks.Signatures;

/// <summary>Calendly: time and signature in one header, <c>t=…,v1=…</c>; hex HMAC-SHA256 of <c>t.body</c>.</summary>
public sealed class CalendlySignature : ISignatureScheme
{
    private const string Header = "Calendly-Webhook-Signature";

    private static readonly SignedText Signed = SignedText.Parse("{timestamp}.{body}");

    /// <inheritdoc/>
    public SignatureVerdict Verify(WebhookRequest request, IReadOnlyList<string> secrets, DateTimeOffset now, TimeSpan tolerance)
    {
        if (request.Header(Header) is not { Length: > 0 and <= 500 } header)
            return SignatureVerdict.Refused($"the header {Header} is missing");
        string? timestamp = null;
        byte[]? signature = null;
        foreach (var part in header.Split(',', StringSplitOptions.TrimEntries))
        {
            if (part.StartsWith("t=", StringComparison.Ordinal))
                timestamp ??= part[2..];
            else if (part.StartsWith("v1=", StringComparison.Ordinal))
                signature ??= HmacSignature.Decode(part[3..], SignatureEncoding.Hex);
        }
        if (signature is null)
            return SignatureVerdict.Refused($"the header {Header} does not have the form of a signature");
        if (SignedTime.Refuse(timestamp, TimeUnit.Seconds, now, tolerance) is { } reason)
            return SignatureVerdict.Refused(reason);
        return SignatureVerdict.Of(HmacSignature.Matches(secrets.Select(Encoding.UTF8.GetBytes), key => Signed.Sign(request, timestamp, key), signature));
    }
}
