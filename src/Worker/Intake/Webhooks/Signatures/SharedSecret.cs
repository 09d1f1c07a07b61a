using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace LeadPipeline.Worker.Intake.Webhooks.Signatures;

/// <summary>A secret that the sender simply says, in a header. Only for senders that can do no better: whoever reads one post can make others.</summary>
/// <param name="Header">The header.</param>
public sealed record SharedSecretHeader(string Header) : ISignatureScheme
{
    /// <inheritdoc/>
    public SignatureVerdict Verify(WebhookRequest request, IReadOnlyList<string> secrets, DateTimeOffset now, TimeSpan tolerance) =>
        request.Header(Header) is not { Length: > 0 } said ? SignatureVerdict.Refused($"the header {Header} is missing")
        : SharedSecret.IsOneOf(said, secrets) ? SignatureVerdict.Genuine
        : SignatureVerdict.Refused($"the secret in the header {Header} is another one");
}

/// <summary>A secret that the sender says in the body, as a member of the outermost object. Nothing else of the body is looked at.</summary>
/// <param name="Member">The member's name.</param>
public sealed record SharedSecretMember(string Member) : ISignatureScheme
{
    /// <inheritdoc/>
    public SignatureVerdict Verify(WebhookRequest request, IReadOnlyList<string> secrets, DateTimeOffset now, TimeSpan tolerance)
    {
        try
        {
            return Find(request.Body.Span) is not { } said ? SignatureVerdict.Refused($"the member {Member} is missing")
                : SharedSecret.IsOneOf(said, secrets) ? SignatureVerdict.Genuine
                : SignatureVerdict.Refused($"the member {Member} is another secret");
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return SignatureVerdict.Refused("the body is not JSON, so that it can hold no secret");
        }
    }

    private string? Find(ReadOnlySpan<byte> body)
    {
        var reader = new Utf8JsonReader(body, new JsonReaderOptions { MaxDepth = StrictJson.MaxDepth });
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            return null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var found = reader.ValueTextEquals(Member);
            reader.Read();
            if (found)
                return reader.TokenType == JsonTokenType.String ? reader.GetString() : null;
            reader.Skip();
        }
        return null;
    }
}

/// <summary>Compares secrets that are said.</summary>
internal static class SharedSecret
{
    /// <summary>Whether it is one of them. Hashes are compared, so that neither content nor length shows in the time; all are, so that neither does the place.</summary>
    public static bool IsOneOf(string said, IEnumerable<string> secrets)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(said));
        var found = false;
        foreach (var secret in secrets)
            found |= CryptographicOperations.FixedTimeEquals(hash, SHA256.HashData(Encoding.UTF8.GetBytes(secret)));
        return found;
    }
}
