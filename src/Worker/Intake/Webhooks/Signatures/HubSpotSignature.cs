namespace LeadPipeline.Worker.Intake.Webhooks.Signatures;

/// <summary>
/// HubSpot's third scheme: base64 HMAC-SHA256, by the app's client secret, of method, address, body and time in milliseconds. In the address
/// some escapes, and no others, are decoded before it is signed.
/// </summary>
public sealed class HubSpotSignature : ISignatureScheme
{
    private static readonly HmacSignature Inner = new(
        "X-HubSpot-Signature-v3", SignatureEncoding.Base64, SignedText.Parse("{method}{url}{body}{timestamp}"), Time: new SignedTime("X-HubSpot-Request-Timestamp", TimeUnit.Milliseconds));

    private static readonly (string Escape, string Character)[] Decoded =
    [
        ("%3A", ":"), ("%2F", "/"), ("%3F", "?"), ("%40", "@"), ("%21", "!"), ("%24", "$"), ("%27", "'"), ("%28", "("), ("%29", ")"), ("%2A", "*"), ("%2C", ","), ("%3B", ";"),
    ];

    /// <inheritdoc/>
    public SignatureVerdict Verify(WebhookRequest request, IReadOnlyList<string> secrets, DateTimeOffset now, TimeSpan tolerance) =>
        Inner.Verify(request with { Url = Decode(request.Url) }, secrets, now, tolerance);

    /// <summary>An address as HubSpot signs it.</summary>
    internal static string Decode(string url)
    {
        foreach (var (escape, character) in Decoded)
            url = url.Replace(escape, character, StringComparison.OrdinalIgnoreCase);
        return url;
    }
}
