using System.Net;
using System.Text;

namespace LeadPipeline.Worker.Intake.Forms;

/// <summary>What a person sees whose form was not taken: what to correct, and nothing of what was typed.</summary>
internal static class FormPage
{
    public static IResult Of(int status, string title, string text, IEnumerable<FieldError> errors)
    {
        var page = new StringBuilder("<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>")
            .Append(WebUtility.HtmlEncode(title)).Append("</title></head><body><h1>").Append(WebUtility.HtmlEncode(title)).Append("</h1><p>").Append(WebUtility.HtmlEncode(text)).Append("</p>");
        var list = errors.ToList();
        if (list.Count > 0)
            page.Append("<ul>").AppendJoin("", list.Select(e => $"<li>{WebUtility.HtmlEncode(e.ToString())}</li>")).Append("</ul>");
        return Results.Content(page.Append("</body></html>").ToString(), "text/html; charset=utf-8", statusCode: status);
    }
}
