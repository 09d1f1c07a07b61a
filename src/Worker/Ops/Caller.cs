using System.Security.Claims;

namespace LeadPipeline.Worker.Ops;

/// <summary>Somebody who has shown who he is. Tokens of every kind end in this one form.</summary>
public static class Caller
{
    /// <summary>Claim type of a scope, one claim each.</summary>
    public const string Scope = "scope";

    /// <summary>An identity.</summary>
    /// <param name="name">Stable over the caller's tokens: audit and approvals tell people apart by it.</param>
    /// <param name="roles">Names of <see cref="AuthOptions.Roles"/>.</param>
    /// <param name="scopes">For example <c>leads:write</c>.</param>
    public static ClaimsIdentity Identity(string name, IEnumerable<string> roles, IEnumerable<string> scopes) =>
        new([new Claim(ClaimTypes.Name, name), .. roles.Select(r => new Claim(ClaimTypes.Role, r)), .. scopes.Select(s => new Claim(Scope, s))], BearerHandler.Scheme);
}
