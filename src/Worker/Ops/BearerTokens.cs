using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using LeadPipeline.Worker.Hosting;
using LeadPipeline.Worker.Storage;
using Microsoft.Extensions.Options;

namespace LeadPipeline.Worker.Ops;

/// <summary>The static tokens that are accepted. Comparing is by hash and in constant time.</summary>
public sealed class BearerTokens
{
    private readonly List<(byte[] Hash, ClaimsIdentity Identity)> known = [];

    /// <summary>Reads the configured tokens, or makes the console token when nobody could show who he is.</summary>
    public BearerTokens(IOptions<AuthOptions> options, IOptions<DataOptions> data)
    {
        foreach (var token in options.Value.Tokens)
            known.Add((Convert.FromHexString(token.Hash), Caller.Identity(token.Holder, token.RoleNames, token.ScopeNames)));
        if (options.Value.KnowsAnyone)
            return;
        var path = Path.Combine(data.Value.Directory, "console-token");
        if (!File.Exists(path))
            PrivateFile.WriteOnce(path, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(24)));
        ConsoleToken = File.ReadAllText(path).Trim();
        known.Add((Hash(ConsoleToken), Caller.Identity("console", ["admin"], ["leads:write", "leads:enrich"])));
    }

    /// <summary>The token of the data directory, when nothing else is configured.</summary>
    public string? ConsoleToken { get; }

    /// <summary>Who has this token; null when nobody.</summary>
    public ClaimsIdentity? Identify(string token)
    {
        var hash = Hash(token);
        ClaimsIdentity? found = null;
        // All are compared, so that the time tells nothing about which one came near.
        foreach (var (expected, identity) in known)
        {
            if (CryptographicOperations.FixedTimeEquals(hash, expected))
                found = identity;
        }
        return found?.Clone();
    }

    private static byte[] Hash(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));
}
