using System.Diagnostics;
using OpenTelemetry;

namespace LeadPipeline.Worker.Telemetry;

/// <summary>
/// Leaves of the addresses that we called who was called, and nothing else. The runtime hides the query only, while an enrichment service's path may hold
/// what the lead says (<c>Enrichment:Http:UrlTemplate</c>), and a vendor's the ids of a person.
/// </summary>
internal sealed class OriginsOnly : BaseProcessor<Activity>
{
    /// <summary>The runtime's source of outgoing requests.</summary>
    public const string Source = "System.Net.Http";

    private static readonly string[] Addresses = ["url.full", "http.url"], Parts = ["url.path", "url.query", "http.target"];

    /// <inheritdoc/>
    public override void OnEnd(Activity data)
    {
        if (data.Source.Name != Source)
            return;
        foreach (var address in Addresses)
        {
            if (data.GetTagItem(address) is { } value)
                data.SetTag(address, Uri.TryCreate(value.ToString(), UriKind.Absolute, out var uri) ? uri.GetComponents(UriComponents.SchemeAndServer, UriFormat.UriEscaped) : null);
        }
        foreach (var part in Parts)
            data.SetTag(part, null);
    }
}
