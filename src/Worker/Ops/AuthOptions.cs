using System.ComponentModel.DataAnnotations;
using System.Text;
using System.Text.RegularExpressions;

namespace LeadPipeline.Worker.Ops;

/// <summary>Who may call: static bearer tokens, and tokens of an issuer (JWT). Both may be configured at once.</summary>
public sealed partial class AuthOptions : IValidatableObject
{
    /// <summary>Configuration section.</summary>
    public const string Section = "Auth";

    /// <summary>The roles that there are; only <c>admin</c> implies the others.</summary>
    public static readonly IReadOnlyList<string> Roles = ["user", "manager", "operator", "admin"];

    private const int MinKeyBytes = 32;

    /// <summary>The <c>iss</c> that tokens must have, to the letter. Default none: no tokens of an issuer are accepted. Needs <see cref="Audience"/> and a key.</summary>
    public string? Issuer { get; set; }

    /// <summary>The <c>aud</c> that tokens must have, alone or among others. Required with a key.</summary>
    public string? Audience { get; set; }

    /// <summary>Where the issuer publishes its keys (JWKS): https, or http on this machine. Default none. Excludes <see cref="SigningKey"/>.</summary>
    public string? JwksUri { get; set; }

    /// <summary>The secret that the issuer signs with (HS256): its UTF-8 bytes, at least 32. Default none. Excludes <see cref="JwksUri"/>.</summary>
    public string? SigningKey { get; set; }

    /// <summary>The claim that holds the roles, as text with spaces between or as an array. Default <c>role</c>.</summary>
    [Required]
    public string RoleClaim { get; set; } = "role";

    /// <summary>The claim that holds the scopes, as text with spaces between or as an array. Default <c>scope</c>.</summary>
    [Required]
    public string ScopeClaim { get; set; } = "scope";

    /// <summary>Static bearer tokens, known by their hashes. Default none; with no key of an issuer either, only the console token of the data directory is accepted, and only loopback is listened on.</summary>
    public IList<StaticToken> Tokens { get; } = new List<StaticToken>();

    /// <summary>Whether tokens of an issuer are accepted.</summary>
    internal bool HasIssuerKey => !string.IsNullOrEmpty(SigningKey) || !string.IsNullOrEmpty(JwksUri);

    /// <summary>Whether anyone at all was told how to identify himself.</summary>
    internal bool KnowsAnyone => HasIssuerKey || Tokens.Count > 0;

    /// <inheritdoc/>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext) => [.. IssuerFaults(), .. TokenFaults()];

    private IEnumerable<ValidationResult> IssuerFaults()
    {
        if (!HasIssuerKey && (Issuer is not null || Audience is not null))
            yield return Fault(Issuer is not null ? nameof(Issuer) : nameof(Audience), "set Auth:JwksUri or Auth:SigningKey beside it, or tokens could not be checked");
        if (!string.IsNullOrEmpty(SigningKey) && !string.IsNullOrEmpty(JwksUri))
            yield return Fault(nameof(SigningKey), "set either Auth:SigningKey or Auth:JwksUri; an issuer signs in one way");
        if (HasIssuerKey && string.IsNullOrWhiteSpace(Issuer))
            yield return Fault(nameof(Issuer), "name the issuer, or tokens of any issuer with the same keys would be accepted");
        if (HasIssuerKey && string.IsNullOrWhiteSpace(Audience))
            yield return Fault(nameof(Audience), "name the audience, or tokens made for other services would be accepted");
        if (!string.IsNullOrEmpty(SigningKey) && Encoding.UTF8.GetByteCount(SigningKey) < MinKeyBytes)
            yield return Fault(nameof(SigningKey), $"write at least {MinKeyBytes} bytes, for example the output of: openssl rand -base64 48");
        if (!string.IsNullOrEmpty(JwksUri) && !IsSafe(JwksUri))
            yield return Fault(nameof(JwksUri), "write an https address; whoever can change the answer on its way could make tokens of his own (http is taken from this machine only)");
    }

    private IEnumerable<ValidationResult> TokenFaults()
    {
        for (var i = 0; i < Tokens.Count; i++)
        {
            var path = $"{nameof(Tokens)}:{i}:";
            if (!Sha256().IsMatch(Tokens[i].Hash))
                yield return Fault(path + nameof(StaticToken.Hash), "write the SHA-256 of the token as 64 hex digits");
            if (Tokens[i].RoleNames is not { Count: > 0 } names || names.Except(Roles).Any())
                yield return Fault(path + nameof(StaticToken.Role), $"use {string.Join(", ", Roles)}, several separated by spaces");
        }
    }

    private static bool IsSafe(string address) =>
        Uri.TryCreate(address, UriKind.Absolute, out var uri) && (uri.Scheme == Uri.UriSchemeHttps || (uri.Scheme == Uri.UriSchemeHttp && uri.IsLoopback));

    private static ValidationResult Fault(string member, string remedy) => new(remedy, [member]);

    [GeneratedRegex(@"\A[0-9a-fA-F]{64}\z")]
    private static partial Regex Sha256();

    /// <summary>One static bearer token.</summary>
    public sealed class StaticToken
    {
        /// <summary>Whose token it is, as the audit names them. Tokens with one name are one person: where two people have to agree, they count once. Default <c>token-</c> and the first 8 digits of the hash.</summary>
        [RegularExpression(@"[A-Za-z0-9][A-Za-z0-9@._ -]{0,63}", ErrorMessage = "use up to 64 letters, digits, spaces and @ . _ -")]
        public string? Name { get; set; }

        /// <summary>SHA-256 of the token, 64 hex digits.</summary>
        public string Hash { get; set; } = "";

        /// <summary><c>user</c>, <c>manager</c>, <c>operator</c> or <c>admin</c>, several separated by spaces; only <c>admin</c> implies the others. Default <c>user</c>.</summary>
        public string Role { get; set; } = "user";

        /// <summary>Scopes separated by spaces: <c>leads:write</c>, <c>leads:enrich</c>. Default none.</summary>
        public string Scopes { get; set; } = "";

        internal string Holder => string.IsNullOrWhiteSpace(Name) ? "token-" + Hash[..8].ToLowerInvariant() : Name.Trim();

        internal IReadOnlyList<string> RoleNames => Role.ToLowerInvariant().Split([' ', ','], StringSplitOptions.RemoveEmptyEntries);

        internal IReadOnlyList<string> ScopeNames => Scopes.Split([' ', ','], StringSplitOptions.RemoveEmptyEntries);
    }
}
