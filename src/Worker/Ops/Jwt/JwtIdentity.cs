using System.Security.Claims;

namespace LeadPipeline.Worker.Ops.Jwt;

/// <summary>Whom a checked token of the issuer stands for.</summary>
public static class JwtIdentity
{
    private const int MaxNameLength = 200;

    /// <summary>The caller; null when the token does not say who he is (<c>sub</c>). Roles that are none of ours are left out.</summary>
    /// <param name="claims">Of the token; an array is one claim for each member.</param>
    /// <param name="roleClaim">Type of the claims that hold roles.</param>
    /// <param name="scopeClaim">Type of the claims that hold scopes.</param>
    public static ClaimsIdentity? From(IReadOnlyCollection<Claim> claims, string roleClaim, string scopeClaim)
    {
        var subjects = claims.Where(c => c.Type == "sub").Select(c => c.Value).ToList();
        if (subjects is not [{ Length: <= MaxNameLength } subject] || string.IsNullOrWhiteSpace(subject) || subject.Any(char.IsControl))
            return null;
        return Caller.Identity(subject, Words(claims, roleClaim).Select(r => r.ToLowerInvariant()).Intersect(AuthOptions.Roles), Words(claims, scopeClaim).Distinct());
    }

    private static IEnumerable<string> Words(IEnumerable<Claim> claims, string type) =>
        claims.Where(c => c.Type == type).SelectMany(c => c.Value.Split(' ', StringSplitOptions.RemoveEmptyEntries));
}
