using System.Security.Cryptography;
using System.Text;

namespace LeadPipeline.Worker.Intake.Webhooks.Signatures;

/// <summary>How the bytes of a signature are written.</summary>
public enum SignatureEncoding
{
    /// <summary>Hex digits in any case.</summary>
    Hex,
    /// <summary>Base64 with padding.</summary>
    Base64,
}

/// <summary>An HMAC-SHA256 in a header: what most senders do, each with its own header, prefix and text.</summary>
/// <param name="Header">The header.</param>
/// <param name="Encoding">How the signature is written.</param>
/// <param name="Signed">What it is of.</param>
/// <param name="Prefix">What stands before the signature in the header.</param>
/// <param name="Time">Where the sender's time is; null when it sends none, and then a copy of a post is known by its key alone.</param>
public sealed record HmacSignature(string Header, SignatureEncoding Encoding, SignedText Signed, string Prefix = "", SignedTime? Time = null) : ISignatureScheme
{
    /// <inheritdoc/>
    public SignatureVerdict Verify(WebhookRequest request, IReadOnlyList<string> secrets, DateTimeOffset now, TimeSpan tolerance)
    {
        if (request.Header(Header) is not { Length: > 0 } header)
            return SignatureVerdict.Refused($"the header {Header} is missing");
        if (!header.StartsWith(Prefix, StringComparison.Ordinal) || Decode(header[Prefix.Length..], Encoding) is not { } signature)
            return SignatureVerdict.Refused($"the header {Header} does not have the form of a signature");
        var timestamp = Time is null ? null : request.Header(Time.Header);
        if (Time is not null && SignedTime.Refuse(timestamp, Time.Unit, now, tolerance) is { } reason)
            return SignatureVerdict.Refused(reason);
        return SignatureVerdict.Of(Matches(secrets.Select(System.Text.Encoding.UTF8.GetBytes), key => Signed.Sign(request, timestamp, key), signature));
    }

    /// <summary>Whether any key gives the signature; all are tried.</summary>
    internal static bool Matches(IEnumerable<byte[]> keys, Func<byte[], byte[]> sign, byte[] signature)
    {
        var found = false;
        foreach (var key in keys)
            found |= CryptographicOperations.FixedTimeEquals(sign(key), signature);
        return found;
    }

    /// <summary>The bytes of a signature; null when it cannot be one of SHA-256.</summary>
    internal static byte[]? Decode(string text, SignatureEncoding encoding)
    {
        var bytes = new byte[SHA256.HashSizeInBytes];
        var whole = encoding == SignatureEncoding.Hex
            ? text.Length == 2 * bytes.Length && Convert.FromHexString(text, bytes, out _, out _) == System.Buffers.OperationStatus.Done
            : text.Length == 44 && Convert.TryFromBase64String(text, bytes, out var written) && written == bytes.Length;
        return whole ? bytes : null;
    }
}
