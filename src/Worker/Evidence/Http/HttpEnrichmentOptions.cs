using System.ComponentModel.DataAnnotations;
using LeadPipeline.Worker.Intake.Webhooks.Mapping;
using LeadPipeline.Worker.Planning;

namespace LeadPipeline.Worker.Evidence.Http;

/// <summary>A service that knows companies, asked over HTTP for what neither the sender nor the directory knows.</summary>
public sealed class HttpEnrichmentOptions : IValidatableObject
{
    /// <summary>Configuration section.</summary>
    public const string Section = "Enrichment:Http";

    /// <summary>
    /// What to get, for example <c>https://api.vendor.example/companies?domain={domain}</c>; <c>{domain}</c>, <c>{email}</c>, <c>{company}</c>, <c>{country}</c> stand for
    /// the lead's values, in path and query only. Default: none, nobody is asked.
    /// </summary>
    public string? UrlTemplate { get; set; }

    /// <summary>The header that lets us in, as <c>Name: value</c>. Default: none.</summary>
    public string? Header { get; set; }

    /// <summary>Where the facts stand in the answer: a leaf of <c>enrichment.*</c> and a JSON pointer, for example <c>employees</c> and <c>/company/metrics/employees</c>.</summary>
    public IDictionary<string, string> Map { get; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>How long an answer holds: it is not asked for again, and its facts count. Default 30 days. Allowed: 1 min to 365 days.</summary>
    [Range(typeof(TimeSpan), "00:01:00", "365.00:00:00")]
    public TimeSpan TimeToLive { get; set; } = TimeSpan.FromDays(30);

    /// <summary>Time for one answer; after it the lead goes on without. Default 5 s. Allowed: 0.1 s to 1 min.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:01:00")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <inheritdoc/>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (string.IsNullOrWhiteSpace(UrlTemplate))
            yield break;
        if (Fault(() => Http.UrlTemplate.Parse(UrlTemplate)) is { } url)
            yield return new ValidationResult(url, [nameof(UrlTemplate)]);
        if (Header is not null && Fault(() => HeaderText.Parse(Header)) is { } header)
            yield return new ValidationResult(header, [nameof(Header)]);
        if (Map.Count == 0)
            yield return new ValidationResult("without it nothing of an answer is read; map for example employees to /employees", [nameof(Map)]);
        var leaves = EvidenceSchema.Fields.Where(f => f.Path.StartsWith("enrichment.", StringComparison.Ordinal)).Select(f => f.Path["enrichment.".Length..]).ToList();
        foreach (var (leaf, pointer) in Map)
        {
            if (!leaves.Contains(leaf))
                yield return new ValidationResult($"there is no enrichment.{leaf}; did you mean {Nearest.To(leaf, leaves)}?", [nameof(Map)]);
            if (Fault(() => JsonPointer.Parse(pointer)) is { } fault)
                yield return new ValidationResult(fault, [nameof(Map)]);
        }
    }

    private static string? Fault(Action read)
    {
        try
        {
            read();
            return null;
        }
        catch (FormatException exception)
        {
            return exception.Message;
        }
    }
}
