using System.ComponentModel.DataAnnotations;
using System.Text.RegularExpressions;

namespace LeadPipeline.Worker.Ops;

/// <summary>Who may call.</summary>
public sealed partial class AuthOptions : IValidatableObject
{
    /// <summary>Configuration section.</summary>
    public const string Section = "Auth";

    private static readonly string[] Roles = ["user", "manager", "operator", "admin"];

    /// <summary>Static bearer tokens, known by their hashes. Default none; then only the console token of the data directory is accepted, and only loopback is listened on.</summary>
    public IList<StaticToken> Tokens { get; } = new List<StaticToken>();

    /// <inheritdoc/>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        for (var i = 0; i < Tokens.Count; i++)
        {
            if (!Sha256().IsMatch(Tokens[i].Hash))
                yield return new ValidationResult("write the SHA-256 of the token as 64 hex digits", [$"{nameof(Tokens)}:{i}:{nameof(StaticToken.Hash)}"]);
            if (Tokens[i].RoleNames is not { Count: > 0 } names || names.Except(Roles).Any())
                yield return new ValidationResult($"use {string.Join(", ", Roles)}, several separated by spaces", [$"{nameof(Tokens)}:{i}:{nameof(StaticToken.Role)}"]);
        }
    }

    [GeneratedRegex(@"\A[0-9a-fA-F]{64}\z")]
    private static partial Regex Sha256();

    /// <summary>One static bearer token.</summary>
    public sealed class StaticToken
    {
        /// <summary>Whose token it is, as the audit names them. Tokens with one name are one person: where two people have to agree, they count once. Default: made of the hash.</summary>
        [RegularExpression(@"[A-Za-z0-9][A-Za-z0-9@._ -]{0,63}", ErrorMessage = "use up to 64 letters, digits, spaces and @ . _ -")]
        public string? Name { get; set; }

        /// <summary>SHA-256 of the token, 64 hex digits.</summary>
        public string Hash { get; set; } = "";

        /// <summary><c>user</c>, <c>manager</c>, <c>operator</c> or <c>admin</c>, several separated by spaces; only <c>admin</c> implies the others. Default <c>user</c>.</summary>
        public string Role { get; set; } = "user";

        /// <summary>Scopes separated by spaces: <c>leads:write</c>, <c>leads:enrich</c>. Default none.</summary>
        public string Scopes { get; set; } = "";

        internal IReadOnlyList<string> RoleNames => Role.ToLowerInvariant().Split([' ', ','], StringSplitOptions.RemoveEmptyEntries);
    }
}
