using System.Text.RegularExpressions;
using LeadPipeline.Mcp.Crm.Http;
using LeadPipeline.Worker.Hosting;
using LeadPipeline.Worker.Intake.Webhooks.Lookups;
using LeadPipeline.Worker.Intake.Webhooks.Mapping;
using LeadPipeline.Worker.Intake.Webhooks.Payloads;
using LeadPipeline.Worker.Intake.Webhooks.Signatures;
using LeadPipeline.Worker.Planning;

namespace LeadPipeline.Worker.Intake.Webhooks;

/// <summary>The senders that there are: those known by name, and those that a mapping file describes.</summary>
public sealed partial class WebhookSources
{
    private const string Generic = "generic";

    /// <summary>Doors of other kinds: a sender of that name would share their keys.</summary>
    private static readonly string[] OtherDoors = ["api", "file", "queue"];

    private readonly Dictionary<string, WebhookSource?> byName = new(StringComparer.OrdinalIgnoreCase);
    private readonly TimeProvider time;
    private readonly Lazy<HttpClient> http = new(() => new HttpClient(VendorHttp.NewHandler()));

    /// <summary>Reads settings and mapping files.</summary>
    /// <exception cref="ConfigurationException">With all faults.</exception>
    public WebhookSources(WebhookOptions options, string contentRoot, TimeProvider time)
    {
        this.time = time;
        foreach (var name in BuiltIn.Names)
            byName[name] = Build(name, new WebhookSenderOptions(), null);
        byName[Generic] = null;

        var faults = new List<string>();
        foreach (var (written, sender) in options)
        {
            var name = Canonical(written);
            if (!SenderName().IsMatch(name) || OtherDoors.Contains(name))
                faults.Add($"{WebhookOptions.Section}:{written}: is no name for a sender; use letters, digits and hyphens, at most 50, and none of {string.Join(", ", OtherDoors)}");
            else if (sender.Enabled)
                Add(name, $"{WebhookOptions.Section}:{written}", sender, contentRoot, faults);
            else
                byName.Remove(name);
        }
        if (faults.Count > 0)
            throw new ConfigurationException(faults);
    }

    /// <summary>The senders that have a secret, by name.</summary>
    public IReadOnlyList<string> Ready => [.. byName.Values.OfType<WebhookSource>().Where(s => s.Secrets.Count > 0).Select(s => s.Name).Order(StringComparer.Ordinal)];

    /// <summary>The senders that can be asked for what their posts refer to, by name.</summary>
    public IReadOnlyList<string> Readable => [.. byName.Values.OfType<WebhookSource>().Where(s => s.Lookup is not null).Select(s => s.Name)];

    /// <summary>The sender of this name.</summary>
    /// <param name="name">In any case.</param>
    /// <param name="source">Null when it is known but nothing says what its posts mean.</param>
    /// <returns>Whether there is such a door.</returns>
    public bool TryFind(string name, out WebhookSource? source) => byName.TryGetValue(name, out source);

    private void Add(string name, string section, WebhookSenderOptions sender, string contentRoot, List<string> faults)
    {
        MappingFile? mapping = null;
        if (!string.IsNullOrWhiteSpace(sender.Mapping))
        {
            var reading = MappingReader.Load(Path.Combine(contentRoot, sender.Mapping));
            faults.AddRange(reading.Faults.Select(f => $"{section}:Mapping: {f}"));
            mapping = reading.Result;
            if (mapping is null)
                return;
        }
        else if (!BuiltIn.Names.Contains(name))
        {
            if (name != Generic)
                faults.Add($"{section}: is no sender that is known by name ({string.Join(", ", BuiltIn.Names)}; did you mean {Nearest.To(name, BuiltIn.Names)}?); give it a {nameof(WebhookSenderOptions.Mapping)}");
            return;
        }
        var source = Build(name, sender, mapping);
        for (var i = 0; i < sender.Secrets.Count; i++)
        {
            if (source.Scheme.Refuse(sender.Secrets[i]) is { } reason)
                faults.Add($"{section}:{nameof(sender.Secrets)}:{i}: the value {reason}");
        }
        byName[name] = source;
    }

    private WebhookSource Build(string name, WebhookSenderOptions sender, MappingFile? mapping)
    {
        var source = mapping is null ? BuiltIn.Of(name, sender) : new WebhookSource(name, mapping.Scheme, mapping);
        return source with
        {
            Secrets = [.. sender.Secrets],
            Tolerance = sender.Tolerance,
            Trusted = sender.Trusted || mapping is { Trusted: true },
            Lookup = mapping is null && sender.AccessToken is { Length: > 0 } token ? LookupAt(name, sender.ApiUrl, token) : null,
            VerifyToken = sender.VerifyToken is { Length: > 0 } verify ? verify : null,
            PublicUrl = sender.PublicUrl?.TrimEnd('/'),
        };
    }

    private ILeadLookup? LookupAt(string name, string? address, string token) => name switch
    {
        "hubspot" => new HubSpotLookup(new VendorReader(name, new Uri(address ?? HubSpotLookup.DefaultAddress), token, http.Value, time)),
        "meta" => new MetaLookup(new VendorReader(name, new Uri(address ?? MetaLookup.DefaultAddress), token, http.Value, time)),
        _ => null,
    };

    /// <summary>Environment variables of most shells take no hyphen in their names.</summary>
    private static string Canonical(string written)
    {
        var name = written.ToLowerInvariant();
        return name.Replace('_', '-') is var hyphened && BuiltIn.Names.Contains(hyphened) ? hyphened : name;
    }

    [GeneratedRegex(@"\A[a-z0-9][a-z0-9_-]{0,49}\z", RegexOptions.CultureInvariant)]
    private static partial Regex SenderName();

    /// <summary>The senders that need no mapping file.</summary>
    private static class BuiltIn
    {
        public static readonly string[] Names = ["standard", "hubspot", "typeform", "meta", "google-ads", "calendly", "webflow", "marketo"];

        public static WebhookSource Of(string name, WebhookSenderOptions sender) => name switch
        {
            "standard" => new(name, new StandardWebhooksSignature(), new StandardPayload()),
            "hubspot" => new(name, new HubSpotSignature(), new HubSpotPayload()) { KeepsReferred = true },
            "typeform" => new(name, new HmacSignature("Typeform-Signature", SignatureEncoding.Base64, SignedText.Body, "sha256="), new TypeformPayload()),
            "meta" => new(name, new HmacSignature("X-Hub-Signature-256", SignatureEncoding.Hex, SignedText.Body, "sha256="), new MetaPayload()),
            "google-ads" => new(name, new SharedSecretMember("google_key"), new GoogleAdsPayload()),
            "calendly" => new(name, new CalendlySignature(), new CalendlyPayload()),
            "webflow" => new(name, new HmacSignature("x-webflow-signature", SignatureEncoding.Hex, SignedText.Parse("{timestamp}:{body}"), "", new SignedTime("x-webflow-timestamp", TimeUnit.Milliseconds)), new WebflowPayload()),
            "marketo" => new(name, new SharedSecretHeader(sender.Header), new MarketoPayload()),
            _ => throw new ArgumentOutOfRangeException(nameof(name)),
        };
    }
}
