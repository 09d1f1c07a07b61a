using System.Net;
using System.Security.Claims;

namespace LeadPipeline.Worker.Ops;

/// <summary>Rules about who may call what. Higher roles do not imply lower ones, except the administrator's.</summary>
public static class Access
{
    /// <summary>Reading leads, their audit and the CRM: role <c>user</c>.</summary>
    public const string Reader = "user";

    /// <summary>Answering for what is sold: role <c>manager</c>.</summary>
    public const string Manager = "manager";

    /// <summary>Acting on leads that stopped: role <c>operator</c>.</summary>
    public const string Operator = "operator";

    /// <summary>Everything: role <c>admin</c>.</summary>
    public const string Admin = "admin";

    /// <summary>Looking in at the console: any role.</summary>
    public const string Visitor = "any-role";

    /// <summary>Posting leads: anyone from this machine, otherwise a token with the scope <c>leads:write</c>.</summary>
    public const string Poster = "leads:write";

    // A proxy adds one of these; then the machine that we see is not the caller's.
    private static readonly string[] Forwarded = ["Forwarded", "X-Forwarded-For", "X-Original-For", "X-Real-IP"];

    /// <summary>Adds the policies of these names.</summary>
    public static void AddAccess(this IServiceCollection services)
    {
        var policies = services.AddAuthorizationBuilder();
        foreach (var role in AuthOptions.Roles)
            policies.AddPolicy(role, policy => policy.RequireRole(role, Admin));
        policies.AddPolicy(Visitor, policy => policy.RequireRole(AuthOptions.Roles));
        policies.AddPolicy(Poster, policy => policy.RequireAssertion(call => call.Resource is HttpContext context && MayPost(context)));
    }

    /// <summary>Whether what the caller says about companies and signals is believed.</summary>
    public static bool IsTrusted(HttpContext context) => context.User.HasClaim(Caller.Scope, "leads:enrich");

    /// <summary>Whether the caller may see personal data in full.</summary>
    public static bool MaySeePersonalData(ClaimsPrincipal user) => user.IsInRole(Operator) || user.IsInRole(Admin);

    /// <summary>Whether the caller is on this machine. What came through a proxy is not, wherever the proxy runs.</summary>
    public static bool IsLoopback(HttpContext context) =>
        (context.Connection.RemoteIpAddress is not { } address || IPAddress.IsLoopback(address))
        && !Array.Exists(Forwarded, header => context.Request.Headers.ContainsKey(header));

    // A token that does not hold is not the same as none: who sends one wants to be known by it, and would be served as a stranger.
    private static bool MayPost(HttpContext context) =>
        context.User.HasClaim(Caller.Scope, Poster)
        || (IsLoopback(context) && (BearerHandler.Token(context.Request) is null || context.User.Identity?.IsAuthenticated == true));
}
