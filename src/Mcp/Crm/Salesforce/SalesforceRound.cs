using System.Text.Json.Nodes;

namespace LeadPipeline.Mcp.Crm.Salesforce;

/// <summary>What one part of a composite is there for.</summary>
internal enum PartKind
{
    /// <summary>Finds the record only while it has the version that was expected.</summary>
    Guard,
    /// <summary>Finds the account only while nothing else belongs to it.</summary>
    Childless,
    /// <summary>The write itself.</summary>
    Write,
    /// <summary>Reads the version that the writes have left.</summary>
    Version,
}

/// <summary>One part of a composite.</summary>
/// <param name="Kind">What it is there for.</param>
/// <param name="Reference">Its reference id.</param>
/// <param name="Write">The write that it belongs to, by its place in the batch.</param>
/// <param name="Request">The part as it is sent.</param>
internal sealed record CompositePart(PartKind Kind, string Reference, int Write, JsonObject Request);

/// <summary>The next exchange that a batch needs. A closed family.</summary>
internal abstract record SalesforceRound
{
    private SalesforceRound() { }

    /// <summary>Several writes that take effect together or not at all.</summary>
    public sealed record Composite(IReadOnlyList<CompositePart> Parts) : SalesforceRound
    {
        /// <summary>The body of the call.</summary>
        public JsonObject Body() => new()
        {
            ["allOrNone"] = true,
            // Collated parts run in an order of Salesforce's choice.
            ["collateSubrequests"] = false,
            ["compositeRequest"] = new JsonArray([.. Parts.Select(p => (JsonNode)p.Request.DeepClone())]),
        };
    }

    /// <summary>One write as a call of its own.</summary>
    public sealed record Direct(int Write, string Url, JsonObject Body) : SalesforceRound;

    /// <summary>A conversion.</summary>
    public sealed record Convert(int Write, ConvertLead Order, string Lead, string Account) : SalesforceRound;
}
