using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace LeadPipeline.Worker.Ops.Jwt;

/// <summary>Which keys may have signed a token, and when it holds. Pure.</summary>
public static class TokenRules
{
    /// <summary>How far the issuer's clock may be from ours.</summary>
    public static readonly TimeSpan ClockSkew = TimeSpan.FromSeconds(60);

    /// <summary>What a secret signs with.</summary>
    public static readonly IReadOnlyList<string> SecretAlgorithms = [SecurityAlgorithms.HmacSha256];

    private const int MinRsaBits = 2048;

    // Algorithm → what its key must be. A token names its algorithm itself, so it must not choose how its signature is read.
    private static readonly Dictionary<string, (string Type, string? Curve)> Published = new(StringComparer.Ordinal)
    {
        [SecurityAlgorithms.RsaSha256] = (JsonWebAlgorithmsKeyTypes.RSA, null),
        [SecurityAlgorithms.RsaSha384] = (JsonWebAlgorithmsKeyTypes.RSA, null),
        [SecurityAlgorithms.RsaSha512] = (JsonWebAlgorithmsKeyTypes.RSA, null),
        [SecurityAlgorithms.RsaSsaPssSha256] = (JsonWebAlgorithmsKeyTypes.RSA, null),
        [SecurityAlgorithms.RsaSsaPssSha384] = (JsonWebAlgorithmsKeyTypes.RSA, null),
        [SecurityAlgorithms.RsaSsaPssSha512] = (JsonWebAlgorithmsKeyTypes.RSA, null),
        [SecurityAlgorithms.EcdsaSha256] = (JsonWebAlgorithmsKeyTypes.EllipticCurve, JsonWebKeyECTypes.P256),
        [SecurityAlgorithms.EcdsaSha384] = (JsonWebAlgorithmsKeyTypes.EllipticCurve, JsonWebKeyECTypes.P384),
        [SecurityAlgorithms.EcdsaSha512] = (JsonWebAlgorithmsKeyTypes.EllipticCurve, JsonWebKeyECTypes.P521),
    };

    /// <summary>What published keys sign with.</summary>
    public static IReadOnlyCollection<string> PublishedAlgorithms => Published.Keys;

    /// <summary>Whether a published key is one that signs and is strong enough. A shared secret that somebody published is not.</summary>
    public static bool IsUsable(JsonWebKey key) =>
        (string.IsNullOrEmpty(key.Use) || key.Use == JsonWebKeyUseNames.Sig)
        && (key.KeyOps.Count == 0 || key.KeyOps.Contains("verify"))
        && (key.Kty == JsonWebAlgorithmsKeyTypes.RSA
            ? !string.IsNullOrEmpty(key.N) && !string.IsNullOrEmpty(key.E) && key.KeySize >= MinRsaBits
            : key.Kty == JsonWebAlgorithmsKeyTypes.EllipticCurve && !string.IsNullOrEmpty(key.X) && !string.IsNullOrEmpty(key.Y));

    /// <summary>The keys that may have signed a token: of the kind of its algorithm, and the one that it names if it names one.</summary>
    public static IEnumerable<JsonWebKey> KeysFor(JsonWebToken token, IEnumerable<JsonWebKey> keys)
    {
        // "crit" lists extensions that a reader must know or refuse the token; we know none.
        if (token.TryGetHeaderValue<object>("crit", out _) || !Published.TryGetValue(token.Alg ?? "", out var fit))
            return [];
        return keys.Where(k => k.Kty == fit.Type
            && (fit.Curve is null || k.Crv == fit.Curve)
            && (string.IsNullOrEmpty(k.Alg) || k.Alg == token.Alg)
            && (string.IsNullOrEmpty(token.Kid) || k.Kid == token.Kid));
    }

    /// <summary>Whether a token holds now. One that never ends does not.</summary>
    public static bool Holds(DateTime? notBefore, DateTime? expires, DateTimeOffset now) =>
        expires is { } end && now < new DateTimeOffset(end, TimeSpan.Zero) + ClockSkew
        && (notBefore is not { } start || now >= new DateTimeOffset(start, TimeSpan.Zero) - ClockSkew);
}
