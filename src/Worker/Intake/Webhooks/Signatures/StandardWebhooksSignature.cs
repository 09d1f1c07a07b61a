using System.Security.Cryptography;
using System.Text;

namespace LeadPipeline.Worker.Intake.Webhooks.Signatures;

/// <summary>
/// Standard Webhooks: <c>webhook-id</c>, <c>webhook-timestamp</c> and, separated by spaces, as many <c>v1,</c> signatures as the sender has keys
/// in use. Asymmetric <c>v1a,</c> signatures (Ed25519) are passed over, the platform having no public implementation of them.
/// </summary>
public sealed class StandardWebhooksSignature : ISignatureScheme
{
    private const string SecretPrefix = "whsec_";

    // A sender rotates two keys, perhaps three; more is somebody making us work.
    private const int MostSignatures = 16;

    /// <inheritdoc/>
    public SignatureVerdict Verify(WebhookRequest request, IReadOnlyList<string> secrets, DateTimeOffset now, TimeSpan tolerance)
    {
        if (request.Header("webhook-id") is not { Length: > 0 } id)
            return SignatureVerdict.Refused("the header webhook-id is missing");
        var timestamp = request.Header("webhook-timestamp");
        if (SignedTime.Refuse(timestamp, TimeUnit.Seconds, now, tolerance) is { } reason)
            return SignatureVerdict.Refused(reason);
        if (request.Header("webhook-signature") is not { Length: > 0 } header)
            return SignatureVerdict.Refused("the header webhook-signature is missing");

        var written = header.Split(' ', MostSignatures + 1, StringSplitOptions.RemoveEmptyEntries);
        if (written.Length > MostSignatures)
            return SignatureVerdict.Refused("the header webhook-signature has too many signatures");
        var signatures = written.Where(s => s.StartsWith("v1,", StringComparison.Ordinal)).Select(s => HmacSignature.Decode(s[3..], SignatureEncoding.Base64)).OfType<byte[]>().ToList();
        if (signatures.Count == 0)
            return SignatureVerdict.Refused("the header webhook-signature has no v1 signature");

        var found = false;
        foreach (var key in secrets.SelectMany(Keys))
        {
            var expected = Sign(key, id, timestamp!, request.Body.Span);
            foreach (var signature in signatures)
                found |= CryptographicOperations.FixedTimeEquals(expected, signature);
        }
        return SignatureVerdict.Of(found);
    }

    /// <inheritdoc/>
    public string? Refuse(string secret) => secret.Length == 0 ? "is empty"
        : secret.StartsWith(SecretPrefix, StringComparison.Ordinal) && Base64(secret[SecretPrefix.Length..]) is null ? $"is not base64 after {SecretPrefix}"
        : null;

    private static byte[] Sign(byte[] key, string id, string timestamp, ReadOnlySpan<byte> body)
    {
        using var hash = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, key);
        hash.AppendData(Encoding.UTF8.GetBytes($"{id}.{timestamp}."));
        hash.AppendData(body);
        return hash.GetHashAndReset();
    }

    /// <summary>Senders' libraries take a secret without the prefix for base64, people for the text that it is: whichever was meant, both are secret.</summary>
    private static IEnumerable<byte[]> Keys(string secret)
    {
        if (secret.StartsWith(SecretPrefix, StringComparison.Ordinal))
            return [Base64(secret[SecretPrefix.Length..]) ?? throw new InvalidOperationException("A secret that is not base64 was let in.")];
        return Base64(secret) is { } decoded ? [decoded, Encoding.UTF8.GetBytes(secret)] : [Encoding.UTF8.GetBytes(secret)];
    }

    private static byte[]? Base64(string text)
    {
        var bytes = new byte[text.Length];
        return Convert.TryFromBase64String(text, bytes, out var length) && length > 0 ? bytes[..length] : null;
    }
}
