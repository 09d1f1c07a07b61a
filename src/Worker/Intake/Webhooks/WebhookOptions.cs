using System.ComponentModel.DataAnnotations;

namespace LeadPipeline.Worker.Intake.Webhooks;

/// <summary>The senders of webhooks, by name.</summary>
public sealed class WebhookOptions() : Dictionary<string, WebhookSenderOptions>(StringComparer.OrdinalIgnoreCase)
{
    /// <summary>Configuration section.</summary>
    public const string Section = "Webhooks";
}

/// <summary>One sender. A sender that is known by name and has no settings answers 503 until it has a secret.</summary>
public sealed class WebhookSenderOptions : IValidatableObject
{
    /// <summary>Whether the door is there at all. Default true; false answers 404.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>The secrets that posts may be signed with; two while they are being rotated. Default none, and then nothing is accepted.</summary>
    public IList<string> Secrets { get; } = new List<string>();

    /// <summary>How far the sender's clock may be from ours, where the sender signs its time. Default 5 min; more lets a recorded post be played back for longer. Allowed: 1 s to 1 h.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan Tolerance { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Whether what the sender says about companies and signals is believed. Default false.</summary>
    public bool Trusted { get; set; }

    /// <summary>A mapping file, for senders that are not known by name, or send something else than they usually do. Default none.</summary>
    public string? Mapping { get; set; }

    /// <summary>The header that the shared secret is in, for <c>marketo</c>. Default <c>X-Webhook-Secret</c>.</summary>
    [RegularExpression("[A-Za-z0-9-]{1,100}", ErrorMessage = "write the name of a header: letters, digits and hyphens")]
    public string Header { get; set; } = "X-Webhook-Secret";

    /// <summary>What the sender shows once to see that the address is ours, for <c>meta</c>. Default none, and then the handshake is refused.</summary>
    public string? VerifyToken { get; set; }

    /// <summary>Lets us read at the sender what its posts only refer to, for <c>hubspot</c> and <c>meta</c>. Default none: then events of <c>hubspot</c> are kept until there is one, and posts of <c>meta</c> are refused.</summary>
    public string? AccessToken { get; set; }

    /// <summary>Where the sender's API is, for <c>hubspot</c> (default <c>https://api.hubapi.com</c>) and <c>meta</c> (default <c>https://graph.facebook.com/v24.0</c>).</summary>
    public string? ApiUrl { get; set; }

    /// <summary>This service's address as the sender calls it, up to but without <c>/webhooks</c>, where the sender signs it and a proxy stands between. Default: as the post says.</summary>
    public string? PublicUrl { get; set; }

    /// <inheritdoc/>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        for (var i = 0; i < Secrets.Count; i++)
        {
            if (string.IsNullOrWhiteSpace(Secrets[i]))
                yield return new ValidationResult("a secret is not empty; leave the key out instead", [$"{nameof(Secrets)}:{i}"]);
        }
        foreach (var (name, value) in new[] { (nameof(ApiUrl), ApiUrl), (nameof(PublicUrl), PublicUrl) })
        {
            if (value is not null && !(Uri.TryCreate(value, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" && uri.Query.Length == 0))
                yield return new ValidationResult("write an address such as https://host", [name]);
        }
    }
}
