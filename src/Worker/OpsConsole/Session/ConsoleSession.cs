using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using LeadPipeline.Worker.Storage;

namespace LeadPipeline.Worker.OpsConsole.Session;

/// <summary>Somebody's visit to the console.</summary>
/// <param name="Token">The bearer token that he signed in with; it is judged anew with each request.</param>
/// <param name="FormKey">What every form of this visit carries, and no page of another site can know.</param>
/// <param name="At">When he signed in.</param>
public sealed record ConsoleSession(string Token, string FormKey, DateTimeOffset At)
{
    /// <summary>Whether a form is one of this visit's. Takes the same time whatever is sent.</summary>
    public bool Wrote(string? formKey) =>
        CryptographicOperations.FixedTimeEquals(SHA256.HashData(Encoding.UTF8.GetBytes(formKey ?? "")), SHA256.HashData(Encoding.UTF8.GetBytes(FormKey)));
}

/// <summary>
/// Keeps visits in the visitor's cookie, sealed under the master key: every worker can open it, none has to remember it, and a token that is
/// taken away ends the visit at once because the cookie only carries it.
/// </summary>
public sealed class ConsoleSessions(LeadCipher cipher, TimeProvider time)
{
    /// <summary>How long a visit lasts, if the token lasts that long.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromHours(12);

    // Browsers keep cookies of up to 4096 bytes, name and attributes included.
    private const int LongestCookie = 3900;

    // Binds what is sealed here to this use: nothing of a lead can be passed off as a visit.
    private static readonly Guid Space = new("2c1d5a43-9a0e-4d1b-8f5e-6f3f1c9f7a60");

    /// <summary>A new visit as a cookie's value; null when the token is too long for one.</summary>
    public string? Begin(string token)
    {
        var session = new ConsoleSession(token, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)), time.GetUtcNow());
        var value = Convert.ToBase64String(cipher.SealWithOwnKey(JsonSerializer.SerializeToUtf8Bytes(session, ConsoleJson.Default.ConsoleSession), Space));
        return value.Length <= LongestCookie ? value : null;
    }

    /// <summary>The visit of a cookie; null when it is none of ours, or over.</summary>
    public ConsoleSession? Open(string? cookie)
    {
        var bytes = new byte[LongestCookie];
        if (cookie is null || cookie.Length > LongestCookie || !Convert.TryFromBase64String(cookie, bytes, out var length))
            return null;
        try
        {
            var plain = cipher.OpenWithOwnKey(bytes.AsSpan(0, length), Space);
            var session = JsonSerializer.Deserialize(plain, ConsoleJson.Default.ConsoleSession);
            return session is not null && time.GetUtcNow() < session.At + Lifetime ? session : null;
        }
        catch (CryptographicException)
        {
            return null;
        }
    }
}

[JsonSerializable(typeof(ConsoleSession))]
internal sealed partial class ConsoleJson : JsonSerializerContext;
