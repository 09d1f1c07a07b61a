using LeadPipeline.Worker.Ops;

namespace LeadPipeline.Worker.OpsConsole.Session;

/// <summary>Carries a visit from the cookie to the request and back.</summary>
internal static class ConsoleVisits
{
    /// <summary>Where the console begins, and all that the cookie is sent to.</summary>
    public const string Root = "/ops";

    /// <summary>Where visits begin.</summary>
    public const string SignIn = "/ops/sign-in";

    /// <summary>The field of a form that holds <see cref="ConsoleSession.FormKey"/>.</summary>
    public const string FormField = "form_key";

    private const string Cookie = "leadpipeline-ops";

    /// <summary>
    /// Lets the cookie, or the token of the sign-in form, stand for the header, under the console only: from here on a visitor is a caller like any
    /// other. Comes after the check for other sites' pages, which a header excuses, and before authentication.
    /// </summary>
    public static void UseConsoleVisits(this WebApplication app) => app.Use(async (context, next) =>
    {
        if (context.Request.Path.StartsWithSegments(Root) && context.Request.Headers.Authorization.Count == 0)
        {
            if (HttpMethods.IsPost(context.Request.Method) && context.Request.Path == SignIn)
                await UseFormTokenAsync(context);
            else if (context.RequestServices.GetRequiredService<ConsoleSessions>().Open(context.Request.Cookies[Cookie]) is { } session)
                Use(context, session);
        }
        await next(context);
    });

    /// <summary>Whether the browser has a cookie of ours, be it of a visit that is over.</summary>
    public static bool HasCookie(HttpContext context) => context.Request.Cookies.ContainsKey(Cookie);

    /// <summary>The visit of this request; null when the caller shows his token himself, or none.</summary>
    public static ConsoleSession? Visit(this HttpContext context) => context.Features.Get<ConsoleSession>();

    /// <summary>Begins a visit; false when the token is too long for a cookie.</summary>
    public static bool TryBegin(HttpContext context, string token)
    {
        if (context.RequestServices.GetRequiredService<ConsoleSessions>().Begin(token) is not { } value)
            return false;
        context.Response.Cookies.Append(Cookie, value, Options(context));
        return true;
    }

    /// <summary>Ends the visit.</summary>
    public static void End(HttpContext context) => context.Response.Cookies.Delete(Cookie, Options(context));

    /// <summary>Refuses forms that are not of this visit. Who shows his token himself needs none: no page can make a browser add it.</summary>
    public static async ValueTask<object?> CheckFormAsync(EndpointFilterInvocationContext call, EndpointFilterDelegate next)
    {
        var context = call.HttpContext;
        if (!HttpMethods.IsPost(context.Request.Method))
            return await next(call);
        if (!context.Request.HasFormContentType)
            return Problems.Of(415, "unsupported-media-type", "Send the fields of the form, as application/x-www-form-urlencoded.");
        var form = await context.Request.ReadFormAsync(context.RequestAborted);
        return context.Visit() is { } visit && !visit.Wrote(form[FormField])
            ? Problems.Of(400, "form-expired", "This form is not of your visit; go back, load the page again and send it once more.")
            : await next(call);
    }

    private static void Use(HttpContext context, ConsoleSession session)
    {
        context.Features.Set(session);
        context.Request.Headers.Authorization = "Bearer " + session.Token;
    }

    private static async Task UseFormTokenAsync(HttpContext context)
    {
        if (!context.Request.HasFormContentType || context.Request.ContentLength > Http.HttpHardening.MaxBodyBytes)
            return;
        var token = (await context.Request.ReadFormAsync(context.RequestAborted))["token"].ToString().Trim();
        // What a header cannot hold is no token.
        if (token.Length > 0 && token.All(c => c is > ' ' and <= '~'))
            context.Request.Headers.Authorization = "Bearer " + token;
    }

    // A proxy that ends TLS says so; whoever says it falsely only keeps his own cookie from plain HTTP.
    private static CookieOptions Options(HttpContext context) => new()
    {
        Path = Root,
        HttpOnly = true,
        SameSite = SameSiteMode.Strict,
        Secure = context.Request.IsHttps || context.Request.Headers["X-Forwarded-Proto"] == "https",
        IsEssential = true,
    };
}
