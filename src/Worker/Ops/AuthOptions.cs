using System.ComponentModel.DataAnnotations;

namespace LeadPipeline.Worker.Ops;

/// <summary>Who may call.</summary>
public sealed class AuthOptions
{
    /// <summary>Configuration section.</summary>
    public const string Section = "Auth";

    /// <summary>Static bearer tokens, known by their hashes. Default none; then only the console token of the data directory is accepted, and only loopback is listened on.</summary>
    public IList<StaticToken> Tokens { get; } = new List<StaticToken>();

    /// <summary>One static bearer token.</summary>
    public sealed class StaticToken
    {
        /// <summary>SHA-256 of the token, 64 hex digits.</summary>
        [Required, RegularExpression("^[0-9a-fA-F]{64}$", ErrorMessage = "write the SHA-256 of the token as 64 hex digits")]
        public string Hash { get; set; } = "";

        /// <summary><c>user</c>, <c>manager</c>, <c>operator</c> or <c>admin</c>. Default <c>user</c>.</summary>
        public string Role { get; set; } = "user";

        /// <summary>Scopes separated by spaces: <c>leads:write</c>, <c>leads:enrich</c>. Default none.</summary>
        public string Scopes { get; set; } = "";
    }
}
