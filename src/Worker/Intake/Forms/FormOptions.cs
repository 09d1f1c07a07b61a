using System.ComponentModel.DataAnnotations;

namespace LeadPipeline.Worker.Intake.Forms;

/// <summary>The HTML forms that may post, by name. A form <c>contact</c> is there without being named.</summary>
public sealed class FormOptions() : Dictionary<string, HtmlFormOptions>(StringComparer.OrdinalIgnoreCase)
{
    /// <summary>Configuration section.</summary>
    public const string Section = "Forms";

    /// <summary>The form that is always there.</summary>
    public const string Default = "contact";
}

/// <summary>One HTML form.</summary>
public sealed class HtmlFormOptions : IValidatableObject
{
    /// <summary>Any origin may post.</summary>
    public const string AnyOrigin = "*";

    /// <summary>Where the browser is sent afterwards: an absolute address, or a path of this host. Default none, and then the answer is JSON.</summary>
    public string? RedirectUrl { get; set; }

    /// <summary>
    /// Sites whose pages may post, as <c>https://host</c>; <c>*</c> is anyone, also without a page. Default none, and then only pages of this host may,
    /// and programs on this machine.
    /// </summary>
    public IList<string> AllowedOrigins { get; } = new List<string>();

    /// <summary>A field that people do not see and leave empty; a post that fills it is answered like any other and dropped. Default <c>_gotcha</c>.</summary>
    [Required]
    [StringLength(100, MinimumLength = 1)]
    public string Honeypot { get; set; } = "_gotcha";

    /// <inheritdoc/>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (RedirectUrl is not null && !IsTarget(RedirectUrl))
            yield return new ValidationResult("write https://host/path, or a path of this host such as /thanks.html", [nameof(RedirectUrl)]);
        for (var i = 0; i < AllowedOrigins.Count; i++)
        {
            if (AllowedOrigins[i] != AnyOrigin && Origin(AllowedOrigins[i]) is null)
                yield return new ValidationResult("write an origin such as https://www.example.com, without a path, or *", [$"{nameof(AllowedOrigins)}:{i}"]);
        }
    }

    /// <summary>An origin in the form in which browsers send it; null when the text is none.</summary>
    internal static string? Origin(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" && uri.PathAndQuery == "/" && uri.UserInfo.Length == 0 && uri.Fragment.Length == 0
            ? uri.GetLeftPart(UriPartial.Authority).ToLowerInvariant()
            : null;

    // A browser takes // and /\ for another host.
    private static bool IsTarget(string text) => !text.Any(c => char.IsControl(c) || c == ' ')
        && (text.StartsWith('/') ? text.Length == 1 || text[1] is not ('/' or '\\') : Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" && uri.Host.Length > 0);
}
