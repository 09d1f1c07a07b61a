using LeadPipeline.Worker.Ops.Jwt;
using Microsoft.AspNetCore.Authentication;

namespace LeadPipeline.Worker.Ops;

/// <summary>Who may call.</summary>
public static class AuthRegistration
{
    /// <summary>Adds the ways in which callers show who they are, and the rules about what each may do.</summary>
    public static void AddAuth(this IServiceCollection services, AuthOptions options)
    {
        services.AddSingleton<BearerTokens>();
        var authentication = services.AddAuthentication(BearerHandler.Scheme).AddScheme<AuthenticationSchemeOptions, BearerHandler>(BearerHandler.Scheme, null);
        if (options.HasIssuerKey)
            authentication.AddIssuer();
        services.AddAccess();
    }
}
