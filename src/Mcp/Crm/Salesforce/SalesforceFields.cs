using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace LeadPipeline.Mcp.Crm.Salesforce;

/// <summary>What a field holds, and so how it is written in JSON.</summary>
internal enum FieldKind { Text, Number, Date, Time, Link, LeadStatus, Stage, TaskStatus }

/// <summary>One field: our name, theirs, its kind, and for text the longest value that fits (0: nothing is cut).</summary>
internal sealed record SalesforceField(string Ours, string Theirs, FieldKind Kind = FieldKind.Text, int MaxLength = 0);

/// <summary>Our kinds of record and fields in Salesforce's words, and back. Knows no request and no answer.</summary>
internal sealed class SalesforceFields
{
    /// <summary>What Salesforce itself writes where a required name is not known.</summary>
    public const string NotProvided = "[not provided]";

    private readonly Dictionary<CrmObject, SalesforceField[]> fields;
    private readonly SalesforceOptions options;

    public SalesforceFields(SalesforceOptions options)
    {
        this.options = options;
        var n = options.Fields;
        SalesforceField[] task =
        [
            new(CrmFields.Subject, "Subject", MaxLength: 255), new(CrmFields.Body, "Description", MaxLength: 32000), new(CrmFields.Priority, "Priority"),
            new(CrmFields.DueDate, "ActivityDate", FieldKind.Date), new(CrmFields.Status, "Status", FieldKind.TaskStatus), new(CrmFields.Owner, "OwnerId", FieldKind.Link),
            new(CrmFields.Lead, "WhoId", FieldKind.Link), new(CrmFields.Contact, "WhoId", FieldKind.Link),
            new(CrmFields.Opportunity, "WhatId", FieldKind.Link), new(CrmFields.Account, "WhatId", FieldKind.Link), new(CrmFields.Campaign, "WhatId", FieldKind.Link),
        ];
        fields = new()
        {
            [CrmObject.Lead] =
            [
                new(CrmFields.Email, "Email"), new(CrmFields.FirstName, "FirstName", MaxLength: 40), new(CrmFields.LastName, "LastName", MaxLength: 80),
                new(CrmFields.Company, "Company", MaxLength: 255), new(CrmFields.Title, "Title", MaxLength: 128), new(CrmFields.Phone, "Phone", MaxLength: 40),
                new(CrmFields.Website, "Website", MaxLength: 255), new(CrmFields.Country, "Country", MaxLength: 80), new(CrmFields.Message, "Description", MaxLength: 32000),
                new(CrmFields.Source, "LeadSource", MaxLength: 255), new(CrmFields.Status, "Status", FieldKind.LeadStatus), new(CrmFields.Owner, "OwnerId", FieldKind.Link),
                new(CrmFields.Score, n.Score, FieldKind.Number), new(CrmFields.Intent, n.Intent), new(CrmFields.Tags, n.Tags),
                new(CrmFields.Industry, "Industry", MaxLength: 255), new(CrmFields.Employees, n.Employees), new(CrmFields.Revenue, n.Revenue),
                new(CrmFields.TechStack, n.TechStack), new(CrmFields.Geo, n.Geo), new(CrmFields.FoundedYear, n.FoundedYear, FieldKind.Number),
                new(CrmFields.EnrichmentProvider, n.EnrichmentProvider), new(CrmFields.EnrichmentConfidence, n.EnrichmentConfidence, FieldKind.Number),
                new(CrmFields.EnrichedAt, n.EnrichedAt, FieldKind.Time), new(CrmFields.Account, n.Account, FieldKind.Link),
                new(CrmFields.ConvertedContact, "ConvertedContactId", FieldKind.Link), new(CrmFields.ConvertedAccount, "ConvertedAccountId", FieldKind.Link),
            ],
            [CrmObject.Account] =
            [
                new(CrmFields.Name, "Name", MaxLength: 255), new(CrmFields.Domain, n.Domain), new(CrmFields.Website, "Website", MaxLength: 255),
                new(CrmFields.Country, "BillingCountry", MaxLength: 80), new(CrmFields.Industry, "Industry", MaxLength: 255), new(CrmFields.Employees, n.Employees),
                new(CrmFields.Phone, "Phone", MaxLength: 40), new(CrmFields.Owner, "OwnerId", FieldKind.Link),
            ],
            [CrmObject.Contact] =
            [
                new(CrmFields.Email, "Email"), new(CrmFields.FirstName, "FirstName", MaxLength: 40), new(CrmFields.LastName, "LastName", MaxLength: 80),
                new(CrmFields.Title, "Title", MaxLength: 128), new(CrmFields.Phone, "Phone", MaxLength: 40), new(CrmFields.Country, "MailingCountry", MaxLength: 80),
                new(CrmFields.Message, "Description", MaxLength: 32000), new(CrmFields.Source, "LeadSource", MaxLength: 255),
                new(CrmFields.Account, "AccountId", FieldKind.Link), new(CrmFields.Owner, "OwnerId", FieldKind.Link),
            ],
            [CrmObject.Opportunity] =
            [
                new(CrmFields.Name, "Name", MaxLength: 120), new(CrmFields.Stage, "StageName", FieldKind.Stage), new(CrmFields.CloseDate, "CloseDate", FieldKind.Date),
                new(CrmFields.Amount, "Amount", FieldKind.Number), new(CrmFields.Account, "AccountId", FieldKind.Link), new(CrmFields.Lead, n.Lead, FieldKind.Link),
                new(CrmFields.Campaign, "CampaignId", FieldKind.Link), new(CrmFields.Owner, "OwnerId", FieldKind.Link),
                .. options.MultiCurrency ? [new(CrmFields.Currency, "CurrencyIsoCode")] : Array.Empty<SalesforceField>(),
            ],
            [CrmObject.Task] = task,
            [CrmObject.Activity] = task,
            [CrmObject.Note] = [new(CrmFields.Title, "Subject", MaxLength: 255), .. task.Where(f => f.Ours != CrmFields.Subject)],
            [CrmObject.Campaign] = [new(CrmFields.Name, "Name"), new(CrmFields.Status, "Status")],
            [CrmObject.CampaignMember] =
            [
                new(CrmFields.Lead, "LeadId", FieldKind.Link), new(CrmFields.Contact, "ContactId", FieldKind.Link),
                new(CrmFields.Campaign, "CampaignId", FieldKind.Link), new(CrmFields.Status, "Status"),
            ],
            [CrmObject.User] = [new(CrmFields.Name, "Name"), new(CrmFields.Email, "Email")],
        };
    }

    /// <summary>Salesforce's name of a kind of record.</summary>
    public static string Name(CrmObject kind) => kind is CrmObject.Activity or CrmObject.Note ? nameof(CrmObject.Task) : kind.ToString();

    /// <summary>Whether we put an effect key into records of a kind.</summary>
    public static bool HasEffect(CrmObject kind) => kind is not (CrmObject.Campaign or CrmObject.User);

    /// <summary>Whether records of a kind can carry our record key.</summary>
    public static bool HasKey(CrmObject kind) => kind is CrmObject.Lead or CrmObject.Account;

    /// <summary>
    /// An effect key as it stands in the CRM. Dots and slashes in a record's address are read as something else by more than one party on
    /// the way, so they are replaced.
    /// </summary>
    public static string EffectText(string key) => key.Replace("/", "~~", StringComparison.Ordinal).Replace('.', '~');

    /// <summary>The effect key that stands in the CRM as this text.</summary>
    public static string EffectKey(string text) => text.Replace("~~", "/", StringComparison.Ordinal).Replace('~', '.');

    /// <summary>The fields of a kind.</summary>
    public IReadOnlyList<SalesforceField> Of(CrmObject kind) => fields[kind];

    /// <summary>What to select of a kind.</summary>
    public string Columns(CrmObject kind)
    {
        var columns = new List<string> { "Id", "LastModifiedDate", "LastModifiedById" };
        columns.AddRange(fields[kind].Select(f => f.Theirs));
        if (HasEffect(kind))
            columns.Add(options.Fields.Effect);
        if (HasKey(kind))
            columns.Add(options.Fields.Key);
        if (kind == CrmObject.Lead)
            columns.Add("IsConverted");
        if (kind == CrmObject.Campaign)
            columns.Add("IsActive");
        return string.Join(", ", columns.Distinct(StringComparer.OrdinalIgnoreCase));
    }

    /// <summary>
    /// A field as it is to be written; <paramref name="link"/> finds what stands in a link. Null and why, when the value cannot be written.
    /// </summary>
    public (string Theirs, JsonNode? Value, CrmOutcome.Refused? Refused) Write(CrmObject kind, string ours, string? value, Func<string, CrmObject, string?> link)
    {
        if (ours == CrmFields.Currency && !options.MultiCurrency)
        {
            return value is null || value == options.Currency
                ? ("", null, null)
                : ("", null, new(CrmCodes.NotSupported, $"an amount in {value} cannot be written: set Salesforce:Currency to the org's currency, or Salesforce:MultiCurrency"));
        }
        if (Array.Find(fields[kind], f => f.Ours == ours) is not { } field || ours is CrmFields.ConvertedAccount or CrmFields.ConvertedContact)
            return ("", null, new(CrmCodes.NotSupported, $"there is no place for {ours} on a {Name(kind)}"));
        if (string.IsNullOrEmpty(value))
            return (field.Theirs, ours is CrmFields.LastName or CrmFields.Company ? NotProvided : null, null);
        switch (field.Kind)
        {
            case FieldKind.Number:
                return decimal.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
                    ? (field.Theirs, JsonValue.Create(number), null)
                    : (field.Theirs, null, new(CrmCodes.InvalidArguments, $"{ours} is not a number"));
            case FieldKind.Link:
                return link(value, LinkKind(ours)) is { } id
                    ? (field.Theirs, id, null)
                    : (field.Theirs, null, new(ours == CrmFields.Owner ? CrmCodes.UnknownOwner : CrmCodes.InvalidReference, $"{ours} is not the id of a {LinkKind(ours)}"));
            case FieldKind.LeadStatus:
                return (field.Theirs, options.LeadStatuses.TryGetValue(value, out var status) ? status : value, null);
            case FieldKind.TaskStatus:
                return (field.Theirs, value == "Cancelled" ? options.CancelledTaskStatus : value, null);
            default:
                return (field.Theirs, Cut(value, field.MaxLength), null);
        }
    }

    /// <summary>A row of an answer as our record.</summary>
    public CrmRecord Read(CrmObject kind, JsonObject row)
    {
        var values = new Dictionary<string, string>();
        foreach (var field in fields[kind])
        {
            if (Text(row, field.Theirs) is { Length: > 0 } text && text != NotProvided && Canonical(field, text) is { } value)
                values.TryAdd(field.Ours, value);
        }
        if (kind == CrmObject.Lead && row["IsConverted"] is JsonValue converted && converted.GetValueKind() == JsonValueKind.True)
            values[CrmFields.Status] = "Converted";
        if (kind == CrmObject.Account && !values.ContainsKey(CrmFields.Domain) && values.TryGetValue(CrmFields.Website, out var website) && Host(website) is { } host)
            values[CrmFields.Domain] = host;
        if (kind == CrmObject.Opportunity && !options.MultiCurrency && options.Currency is { } currency && values.ContainsKey(CrmFields.Amount))
            values[CrmFields.Currency] = currency;
        return new CrmRecord(kind, Text(row, "Id")!, values, Version(row) ?? "",
            HasEffect(kind) && Text(row, options.Fields.Effect) is { } effect ? EffectKey(effect) : null,
            HasKey(kind) ? Text(row, options.Fields.Key) : null);
    }

    /// <summary>
    /// When and by whom a row was changed last. The time is in whole seconds; with the user beside it, a person's change in the second of ours
    /// is still another version.
    /// </summary>
    public static string? Version(JsonObject row) =>
        Text(row, "LastModifiedDate") is { } at && Plain(FieldKind.Time, at) is { } time && Text(row, "LastModifiedById") is { } by ? $"{time}|{by}" : null;

    /// <summary>The condition that a record still has a version; null when the text is no version of ours.</summary>
    public static string? VersionCondition(string version) =>
        version.Split('|') is [var at, var by] && Plain(FieldKind.Time, at) == at && SalesforceIds.Normalise(by, CrmObject.User) is { } user
            ? $"LastModifiedDate = {at} AND LastModifiedById = {SoqlEscaper.Literal(user)}"
            : null;

    /// <summary>A text member of a row.</summary>
    public static string? Text(JsonObject row, string name) => row[name] switch
    {
        JsonValue value when value.GetValueKind() == JsonValueKind.String => value.GetValue<string>(),
        JsonValue value when value.GetValueKind() == JsonValueKind.Number => value.ToJsonString(),
        _ => null,
    };

    /// <summary>The host of a web address, without <c>www.</c>, in lower case; null when it has none.</summary>
    public static string? Host(string website) =>
        Uri.TryCreate(website.Contains("://", StringComparison.Ordinal) ? website : "https://" + website, UriKind.Absolute, out var uri) && uri.Host.Contains('.', StringComparison.Ordinal)
            ? uri.Host.ToLowerInvariant() is var host && host.StartsWith("www.", StringComparison.Ordinal) ? host[4..] : host
            : null;

    private static CrmObject LinkKind(string ours) => ours switch
    {
        CrmFields.Lead => CrmObject.Lead,
        CrmFields.Contact => CrmObject.Contact,
        CrmFields.Account => CrmObject.Account,
        CrmFields.Opportunity => CrmObject.Opportunity,
        CrmFields.Campaign => CrmObject.Campaign,
        _ => CrmObject.User,
    };

    private string? Canonical(SalesforceField field, string text) => field.Kind switch
    {
        FieldKind.LeadStatus => Ours(options.LeadStatuses, text),
        FieldKind.Stage => Ours(options.Stages, text) is var stage && stage == SalesforceStages.Review ? "Negotiation" : stage,
        FieldKind.TaskStatus when text == options.CancelledTaskStatus => "Cancelled",
        // WhoId and WhatId point to several kinds; the prefix tells to which.
        FieldKind.Link => field.Theirs is not ("WhoId" or "WhatId") || SalesforceIds.Normalise(text, LinkKind(field.Ours)) is not null ? text : null,
        _ => Plain(field.Kind, text),
    };

    private static string? Plain(FieldKind kind, string text) => kind switch
    {
        FieldKind.Number => decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number.ToString("0.#############################", CultureInfo.InvariantCulture) : text,
        FieldKind.Time => DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            ? time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture)
            : text,
        _ => text,
    };

    private static string Ours(IDictionary<string, string> names, string theirs) =>
        names.FirstOrDefault(n => string.Equals(n.Value, theirs, StringComparison.OrdinalIgnoreCase)).Key ?? theirs;

    /// <summary>Cut to what fits, never through a character that takes two places.</summary>
    private static string Cut(string text, int length) =>
        length == 0 || text.Length <= length ? text : text[..(char.IsHighSurrogate(text[length - 1]) ? length - 1 : length)];
}
