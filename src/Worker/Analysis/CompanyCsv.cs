using System.Collections.Frozen;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using LeadPipeline.Worker.Intake;

namespace LeadPipeline.Worker.Analysis;

/// <summary>One company of a directory file.</summary>
/// <param name="Line">The physical line in the file, from 1.</param>
/// <param name="Domain">Mail domain in lower case, without <c>www.</c>; empty when the row is bad.</param>
/// <param name="Enrichment">What is known, members as in the evidence schema's <c>enrichment.*</c>; empty when the row is bad.</param>
/// <param name="Error">Why the row cannot be used.</param>
public sealed record CompanyRow(int Line, string Domain, JsonObject Enrichment, string? Error = null);

/// <summary>
/// Reads a company directory from CSV: <c>domain, company, industry, employees, revenue, country, region, city, techStack
/// (separated by |), foundedYear</c> in any order. Columns beyond these are left out: the evidence schema is closed.
/// </summary>
public static class CompanyCsv
{
    private static readonly FrozenDictionary<string, string> Headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase)
    {
        ["domain"] = "domain",
        ["website"] = "domain",
        ["company"] = "company",
        ["name"] = "company",
        ["companyName"] = "company",
        ["industry"] = "industry",
        ["sector"] = "industry",
        ["employees"] = "employees",
        ["headcount"] = "employees",
        ["size"] = "employees",
        ["revenue"] = "revenue",
        ["country"] = "country",
        ["region"] = "region",
        ["state"] = "region",
        ["city"] = "city",
        ["geo"] = "geo",
        ["techStack"] = "techStack",
        ["technologies"] = "techStack",
        ["foundedYear"] = "foundedYear",
        ["founded"] = "foundedYear",
    }.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    /// <summary>The rows in order, one at a time in memory. A bad row comes out with its error and does not stop the others.</summary>
    public static async IAsyncEnumerable<CompanyRow> ReadAsync(Stream stream, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using var text = TextDecoding.Open(stream);
        string?[]? columns = null;
        await foreach (var record in new CsvRecords(text).ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            if (record.Error is not null)
                yield return new(record.Line, "", [], record.Error);
            else if (columns is null)
                columns = [.. record.Fields.Select(h => Headers.GetValueOrDefault(h.Replace("_", "", StringComparison.Ordinal).Trim()))];
            else
                yield return Row(record, columns);
        }
    }

    private static CompanyRow Row(CsvRecord record, string?[] columns)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        for (var i = 0; i < columns.Length && i < record.Fields.Count; i++)
            if (columns[i] is { } column && LeadText.Clean(record.Fields[i]) is { Length: > 0 } value)
                values.TryAdd(column, value);

        if (!values.TryGetValue("domain", out var stated))
            return new(record.Line, "", [], "has no domain");
        if (EmailAddress.Domain(Host(stated)) is not { } domain)
            return new(record.Line, "", [], "has a domain that is none");
        if (!values.TryGetValue("company", out var company))
            return new(record.Line, "", [], "has no company");

        var enrichment = new JsonObject { ["company"] = company, ["domain"] = domain };
        foreach (var name in new[] { "industry", "revenue" })
            if (values.TryGetValue(name, out var value))
                enrichment[name] = value;
        if (values.TryGetValue("employees", out var employees))
            enrichment["employees"] = Whole(employees) ?? JsonValue.Create(employees);
        if (values.TryGetValue("foundedYear", out var founded) && Whole(founded) is { } year)
            enrichment["foundedYear"] = year;
        if (values.TryGetValue("techStack", out var stack))
            enrichment["techStack"] = new JsonArray([.. stack.Split(['|', ';'], StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(t => (JsonNode)t)]);
        if (Geo(values) is { Length: > 0 } geo)
            enrichment["geo"] = geo;
        return new(record.Line, domain, enrichment);
    }

    private static string Geo(Dictionary<string, string> values) => values.TryGetValue("geo", out var geo)
        ? geo
        : string.Join(", ", new[] { "city", "region", "country" }.Select(values.GetValueOrDefault).Where(v => v is not null));

    private static JsonValue? Whole(string text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? JsonValue.Create(number) : null;

    private static string Host(string text)
    {
        var scheme = text.IndexOf("://", StringComparison.Ordinal);
        var host = (scheme < 0 ? text : text[(scheme + 3)..]).Split('/')[0];
        return host.StartsWith("www.", StringComparison.OrdinalIgnoreCase) ? host[4..] : host;
    }
}
