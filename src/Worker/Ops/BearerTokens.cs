using System.Net;
using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using LeadPipeline.Worker.Hosting;
using LeadPipeline.Worker.Storage;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;

namespace LeadPipeline.Worker.Ops;

/// <summary>The tokens that are accepted. Comparing is by hash and in constant time.</summary>
public sealed class BearerTokens
{
    private readonly List<(byte[] Hash, string Name, string[] Roles, string[] Scopes)> known = [];

    /// <summary>Reads the configured tokens, or makes the console token when there are none.</summary>
    public BearerTokens(IOptions<AuthOptions> options, IOptions<DataOptions> data)
    {
        foreach (var token in options.Value.Tokens)
            known.Add((Convert.FromHexString(token.Hash), "token-" + token.Hash[..8].ToLowerInvariant(), [.. token.RoleNames], token.Scopes.Split(' ', StringSplitOptions.RemoveEmptyEntries)));
        if (known.Count > 0)
            return;
        var path = Path.Combine(data.Value.Directory, "console-token");
        if (!File.Exists(path))
            PrivateFile.WriteOnce(path, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(24)));
        ConsoleToken = File.ReadAllText(path).Trim();
        known.Add((SHA256.HashData(Encoding.UTF8.GetBytes(ConsoleToken)), "console", ["admin"], ["leads:write", "leads:enrich"]));
    }

    /// <summary>The token of the data directory, when nothing else is configured.</summary>
    public string? ConsoleToken { get; }

    /// <summary>Who has this token; null when nobody.</summary>
    public ClaimsIdentity? Identify(string token)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(token));
        ClaimsIdentity? found = null;
        // All are compared, so that the time tells nothing about which one came near.
        foreach (var (expected, name, roles, scopes) in known)
        {
            if (CryptographicOperations.FixedTimeEquals(hash, expected))
                found = new ClaimsIdentity([new Claim(ClaimTypes.Name, name), .. roles.Select(r => new Claim(ClaimTypes.Role, r)), .. scopes.Select(s => new Claim("scope", s))], BearerHandler.Scheme);
        }
        return found;
    }
}

/// <summary>Reads <c>Authorization: Bearer …</c>.</summary>
public sealed class BearerHandler(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder, BearerTokens tokens)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    /// <summary>The scheme's name.</summary>
    public new const string Scheme = "Bearer";

    /// <inheritdoc/>
    protected override Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        var header = Request.Headers.Authorization.ToString();
        if (!header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase))
            return Task.FromResult(AuthenticateResult.NoResult());
        return Task.FromResult(tokens.Identify(header["Bearer ".Length..].Trim()) is { } identity
            ? AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(identity), Scheme))
            : AuthenticateResult.Fail("The token is not known."));
    }
}

/// <summary>Rules about who may call what.</summary>
public static class Access
{
    /// <summary>Reading leads, their audit and the CRM.</summary>
    public const string Reader = "user";

    /// <summary>Replaying and cancelling leads.</summary>
    public const string Operator = "operator";

    /// <summary>Looking into the works, approving, and what cannot be taken back.</summary>
    public const string Administrator = "admin";

    /// <summary>Whether the caller may post leads: anyone from this machine, otherwise a token with the scope.</summary>
    public static bool MayPost(HttpContext context) => IsLoopback(context) || context.User.HasClaim("scope", "leads:write");

    /// <summary>Whether what the caller says about companies and signals is believed.</summary>
    public static bool IsTrusted(HttpContext context) => context.User.HasClaim("scope", "leads:enrich");

    /// <summary>Whether the caller may see personal data in full.</summary>
    public static bool MaySeePersonalData(ClaimsPrincipal user) => user.IsInRole("operator") || user.IsInRole("admin");

    /// <summary>Whether the caller is on this machine.</summary>
    public static bool IsLoopback(HttpContext context) => context.Connection.RemoteIpAddress is null || IPAddress.IsLoopback(context.Connection.RemoteIpAddress);
}
