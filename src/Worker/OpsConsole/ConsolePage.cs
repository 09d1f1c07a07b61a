using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Web;

namespace LeadPipeline.Worker.OpsConsole;

/// <summary>A page of the console: it shows a model within the frame and decides nothing.</summary>
/// <typeparam name="TModel">What it shows.</typeparam>
public abstract class ConsolePage<TModel> : ComponentBase
{
    /// <summary>What every page needs.</summary>
    [Parameter, EditorRequired]
    public ConsoleFrame Frame { get; set; } = null!;

    /// <summary>What this page shows.</summary>
    [Parameter, EditorRequired]
    public TModel Model { get; set; } = default!;
}

/// <summary>Answers with a page as HTML. Rendered once, on the server; nothing of it lives on.</summary>
/// <typeparam name="TPage">The page.</typeparam>
/// <typeparam name="TModel">What it shows.</typeparam>
internal sealed class PageResult<TPage, TModel>(TModel model, int status = 200, string? said = null) : IResult
    where TPage : ConsolePage<TModel>
{
    /// <summary>Nothing but what we serve ourselves: no inline script, no inline style, no frame, no form that posts elsewhere.</summary>
    public const string ContentPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

    public async Task ExecuteAsync(HttpContext context)
    {
        var frame = ConsoleFrame.Of(context);
        if (said is not null)
            frame = frame with { Said = said };
        await using var renderer = new HtmlRenderer(context.RequestServices, context.RequestServices.GetRequiredService<ILoggerFactory>());
        var parameters = ParameterView.FromDictionary(new Dictionary<string, object?> { ["Frame"] = frame, ["Model"] = model });
        var html = await renderer.Dispatcher.InvokeAsync(async () => (await renderer.RenderComponentAsync<TPage>(parameters)).ToHtmlString());

        context.Response.StatusCode = status;
        context.Response.ContentType = "text/html; charset=utf-8";
        context.Response.Headers.ContentSecurityPolicy = ContentPolicy;
        // With "no-referrer" a browser sends its own forms with the origin "null", and they would be taken for another site's.
        context.Response.Headers["Referrer-Policy"] = "same-origin";
        await context.Response.WriteAsync(html, context.RequestAborted);
    }
}
