using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using LeadPipeline.Mcp.Tools;

namespace LeadPipeline.Mcp.Crm.HubSpot;

/// <summary>A record as HubSpot keeps it.</summary>
internal sealed record HubSpotRecord(string Id, IReadOnlyDictionary<string, string?> Properties)
{
    /// <summary>A property's value; null when it is empty.</summary>
    public string? this[string property] => Properties.GetValueOrDefault(property) is { Length: > 0 } value ? value : null;

    /// <summary>The record after properties have been set.</summary>
    public HubSpotRecord With(IEnumerable<KeyValuePair<string, string?>> properties)
    {
        var all = new Dictionary<string, string?>(Properties);
        foreach (var (name, value) in properties)
            all[name] = value;
        return this with { Properties = all };
    }
}

/// <summary>
/// Which of HubSpot's types, properties and values stand for ours. A person is one contact, whether we call it lead or contact; an entry of the
/// history is a task that is done.
/// </summary>
internal sealed class HubSpotSchema
{
    /// <summary>What a property's internal name may look like.</summary>
    public const string PropertyName = "[a-z][a-z0-9_]{0,99}";

    public const string Contacts = "contacts", Companies = "companies", Deals = "deals", Tasks = "tasks", Notes = "notes";

    /// <summary>A contact's company; HubSpot keeps it in step with the association.</summary>
    public const string PrimaryCompany = "associatedcompanyid";

    /// <summary>Further addresses of a contact, separated by semicolons; they are as unique as the first.</summary>
    public const string FurtherEmails = "hs_additional_emails";

    public const string IsClosed = "hs_is_closed";

    private static readonly Dictionary<string, Mapping> ContactDefaults = new()
    {
        [CrmFields.Email] = new("email"),
        [CrmFields.FirstName] = new("firstname"),
        [CrmFields.LastName] = new("lastname"),
        [CrmFields.Company] = new("company"),
        [CrmFields.Title] = new("jobtitle"),
        [CrmFields.Phone] = new("phone"),
        [CrmFields.Website] = new("website"),
        [CrmFields.Country] = new("country"),
        [CrmFields.Message] = new("message"),
        [CrmFields.Source] = new("leadpipeline_source"),
        [CrmFields.Status] = new("hs_lead_status", Form.Choice),
        [CrmFields.Owner] = new("hubspot_owner_id"),
        [CrmFields.Score] = new("leadpipeline_score", Form.Number),
        [CrmFields.Intent] = new("leadpipeline_intent"),
        [CrmFields.Industry] = new("leadpipeline_industry"),
        [CrmFields.Employees] = new("leadpipeline_employees"),
        [CrmFields.Revenue] = new("leadpipeline_revenue"),
        [CrmFields.TechStack] = new("leadpipeline_tech_stack"),
        [CrmFields.Geo] = new("leadpipeline_geo"),
        [CrmFields.FoundedYear] = new("leadpipeline_founded_year", Form.Number),
        [CrmFields.Tags] = new("leadpipeline_tags"),
        [CrmFields.EnrichmentProvider] = new("leadpipeline_enrichment_provider"),
        [CrmFields.EnrichmentConfidence] = new("leadpipeline_enrichment_confidence", Form.Number),
        [CrmFields.EnrichedAt] = new("leadpipeline_enriched_at", Form.Time),
    };

    private static readonly Dictionary<string, Mapping> CompanyDefaults = new()
    {
        [CrmFields.Name] = new("name"),
        [CrmFields.Domain] = new("domain"),
        [CrmFields.Phone] = new("phone"),
        [CrmFields.Owner] = new("hubspot_owner_id"),
        // HubSpot's own industry and number of employees take neither words of ours nor ranges.
        [CrmFields.Industry] = new("leadpipeline_industry"),
        [CrmFields.Employees] = new("leadpipeline_employees"),
        // HubSpot fills these in by itself soon after a company was created: no sign of a person's hand.
        [CrmFields.Country] = new("country", Watched: false),
        [CrmFields.Website] = new("website", Watched: false),
    };

    private static readonly Dictionary<string, Mapping> DealMap = new()
    {
        [CrmFields.Name] = new("dealname"),
        [CrmFields.Stage] = new("dealstage", Form.Choice),
        [CrmFields.CloseDate] = new("closedate", Form.Day),
        [CrmFields.Amount] = new("amount", Form.Number),
        [CrmFields.Currency] = new("deal_currency_code"),
        [CrmFields.Owner] = new("hubspot_owner_id"),
    };

    private static readonly Dictionary<string, Mapping> TaskMap = new()
    {
        [CrmFields.Subject] = new("hs_task_subject"),
        [CrmFields.Body] = new("hs_task_body", Form.Html),
        [CrmFields.Priority] = new("hs_task_priority", Form.Choice),
        [CrmFields.DueDate] = new("hs_timestamp", Form.Day),
        [CrmFields.Status] = new("hs_task_status", Form.Choice),
        [CrmFields.Owner] = new("hubspot_owner_id"),
    };

    private static readonly Dictionary<string, Mapping> ActivityMap = new()
    {
        [CrmFields.Subject] = new("hs_task_subject"),
        [CrmFields.Body] = new("hs_task_body", Form.Html),
    };

    // A note's title is the heading of its body.
    private static readonly Dictionary<string, Mapping> NoteMap = new() { [CrmFields.Body] = new("hs_note_body", Form.Html), [CrmFields.Title] = new("") };

    private readonly HubSpotOptions options;
    private readonly Dictionary<CrmObject, IReadOnlyDictionary<string, Mapping>> fields;
    private readonly Dictionary<(CrmObject, string), Dictionary<string, string>> choices;

    public HubSpotSchema(HubSpotOptions options)
    {
        this.options = options;
        var contact = Overlay(ContactDefaults, options.ContactProperties);
        fields = new()
        {
            [CrmObject.Lead] = contact,
            [CrmObject.Contact] = contact,
            [CrmObject.Account] = Overlay(CompanyDefaults, options.CompanyProperties),
            [CrmObject.Opportunity] = DealMap,
            [CrmObject.Task] = TaskMap,
            [CrmObject.Activity] = ActivityMap,
            [CrmObject.Note] = NoteMap,
        };
        var statuses = Choices(options.LeadStatuses, CrmValues.LeadStatuses, "NEW", "IN_PROGRESS", "BAD_TIMING", "OPEN_DEAL", "UNQUALIFIED", "CONNECTED");
        choices = new()
        {
            [(CrmObject.Lead, CrmFields.Status)] = statuses,
            [(CrmObject.Contact, CrmFields.Status)] = statuses,
            [(CrmObject.Opportunity, CrmFields.Stage)] = Choices(options.Stages, CrmValues.Stages,
                "appointmentscheduled", "qualifiedtobuy", "presentationscheduled", "decisionmakerboughtin", "contractsent", "closedwon", "closedlost"),
            [(CrmObject.Task, CrmFields.Priority)] = new() { ["Normal"] = "MEDIUM", ["High"] = "HIGH" },
            // There is no cancelled task in HubSpot; a deferred one is on nobody's list and does not count as work done.
            [(CrmObject.Task, CrmFields.Status)] = new() { ["Open"] = "NOT_STARTED", ["Completed"] = "COMPLETED", ["Cancelled"] = "DEFERRED" },
        };
    }

    /// <summary>HubSpot's type for a kind of ours; null: it has no records for it.</summary>
    public static string? TypeOf(CrmObject kind) => kind switch
    {
        CrmObject.Lead or CrmObject.Contact => Contacts,
        CrmObject.Account => Companies,
        CrmObject.Opportunity => Deals,
        CrmObject.Task or CrmObject.Activity => Tasks,
        CrmObject.Note => Notes,
        _ => null,
    };

    /// <summary>The type that a link field leads to; null: it is no association.</summary>
    public static string? LinkedType(string field) => field switch
    {
        CrmFields.Lead or CrmFields.Contact => Contacts,
        CrmFields.Account => Companies,
        CrmFields.Opportunity => Deals,
        _ => null,
    };

    /// <summary>Where a record's association is noted while it is written: HubSpot keeps one of them as a property, the others are ours alone.</summary>
    public static string LinkProperty(string type, string to) => type == Contacts && to == Companies ? PrimaryCompany : "linked to " + to;

    /// <summary>
    /// HubSpot's own association types, as documented; they are the same in every account, and <c>doctor</c> compares them with what the
    /// account says. Asking for them at run time would be a call for each pair and process.
    /// </summary>
    public static IReadOnlyDictionary<(string From, string To), int> AssociationTypes { get; } = new Dictionary<(string, string), int>
    {
        [(Contacts, Companies)] = 279,
        [(Companies, Contacts)] = 280,
        [(Deals, Contacts)] = 3,
        [(Deals, Companies)] = 341,
        [(Tasks, Contacts)] = 204,
        [(Tasks, Companies)] = 192,
        [(Tasks, Deals)] = 216,
        [(Notes, Contacts)] = 202,
        [(Notes, Companies)] = 190,
        [(Notes, Deals)] = 214,
    };

    /// <summary>The properties that are written to or read from a type, ours included.</summary>
    public IReadOnlyList<string> Properties(string type)
    {
        var names = fields.Where(f => TypeOf(f.Key) == type).SelectMany(f => f.Value.Values).Select(m => m.Property).Append(options.EffectProperty);
        names = type switch
        {
            Contacts => names.Append(options.KeyProperty).Append(options.CampaignProperty).Append(PrimaryCompany).Append(FurtherEmails),
            Companies => names.Append(options.KeyProperty),
            Deals => names.Append("pipeline").Append(IsClosed),
            Tasks => names.Append("hs_task_type"),
            Notes => names.Append("hs_timestamp"),
            _ => names,
        };
        return [.. names.Where(n => n.Length > 0).Distinct()];
    }

    /// <summary>HubSpot's value for a value of ours; null: the field has no such value.</summary>
    public string? Choice(CrmObject kind, string field, string value) => choices[(kind, field)].GetValueOrDefault(value);

    /// <summary>HubSpot's stage ids, in the order of our stages.</summary>
    public IReadOnlyCollection<string> StageIds => choices[(CrmObject.Opportunity, CrmFields.Stage)].Values;

    /// <summary>Turns a field into a property; null value: empty. False: it cannot be, and <paramref name="problem"/> says why.</summary>
    public bool TryWrite(CrmObject kind, string field, string? value, Dictionary<string, string?> properties, out CrmOutcome.Refused? problem)
    {
        problem = null;
        if (!fields.TryGetValue(kind, out var map) || !map.TryGetValue(field, out var mapping))
        {
            problem = new(CrmCodes.NotSupported, $"HubSpot keeps no {field} of a {kind}");
            return false;
        }
        // An operator who keeps no such property says so by an empty name.
        if (mapping.Property.Length == 0)
            return true;
        var text = string.IsNullOrEmpty(value) ? "" : mapping.Form == Form.Choice ? Choice(kind, field, value) : Encode(mapping.Form, value);
        if (text is null)
        {
            var code = field == CrmFields.Stage ? CrmCodes.InvalidStage : field == CrmFields.Status ? CrmCodes.InvalidStatus : CrmCodes.InvalidArguments;
            problem = new(code, $"this {field} of a {kind} has no counterpart in HubSpot");
            return false;
        }
        properties[mapping.Property] = text;
        return true;
    }

    /// <summary>A record by our names.</summary>
    /// <param name="kind">What it was asked for as.</param>
    /// <param name="record">The record.</param>
    /// <param name="links">Links that are not among its properties.</param>
    public CrmRecord Read(CrmObject kind, HubSpotRecord record, params IEnumerable<KeyValuePair<string, string>> links)
    {
        var read = Fields(kind, record);
        if (TypeOf(kind) == Contacts && record[PrimaryCompany] is { } company)
            read[CrmFields.Account] = company;
        foreach (var (field, id) in links)
            read[field] = id;
        return new CrmRecord(kind, record.Id, read, Version(kind, record), record[options.EffectProperty], record[options.KeyProperty]);
    }

    /// <summary>
    /// A fingerprint of the fields that we know. HubSpot's own time of change is of no use: it moves whenever HubSpot recomputes anything,
    /// seconds after every write of ours, and each undo would take that for a person's change.
    /// </summary>
    public string Version(CrmObject kind, HubSpotRecord record)
    {
        var text = string.Join('\u001f', Fields(kind, record).Where(f => fields[kind][f.Key].Watched).OrderBy(f => f.Key, StringComparer.Ordinal).Select(f => $"{f.Key}={f.Value}"));
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..16];
    }

    private Dictionary<string, string> Fields(CrmObject kind, HubSpotRecord record)
    {
        var read = new Dictionary<string, string>();
        foreach (var (field, mapping) in fields[kind])
        {
            // A heading that a person wrote is part of the text.
            if (mapping is { Form: Form.Html, Property: var property } && record[options.EffectProperty] is not null && record[property] is { } html)
            {
                var (heading, body) = HubSpotText.SplitHeading(html);
                read[field] = HubSpotText.FromHtml(body);
                if (heading is not null && fields[kind].ContainsKey(CrmFields.Title))
                    read[CrmFields.Title] = heading.TrimEnd(':');
            }
            else if (mapping.Property.Length > 0 && record[mapping.Property] is { } value)
                read[field] = mapping.Form == Form.Choice ? choices[(kind, field)].FirstOrDefault(c => c.Value == value).Key ?? value : Decode(mapping.Form, value);
        }
        return read;
    }

    private static string? Encode(Form form, string value) => form switch
    {
        Form.Number => decimal.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number.ToString("0.##########", CultureInfo.InvariantCulture) : null,
        // Noon in UTC is the same day from the Azores to Auckland's west, whatever the account's time zone.
        Form.Day => DateOnly.TryParseExact(value, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _) ? value + "T12:00:00Z" : null,
        Form.Time => DateTimeOffset.TryParse(value, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? Text(time) : null,
        Form.Html => HubSpotText.ToHtml(value),
        _ => value,
    };

    private static string Decode(Form form, string value) => form switch
    {
        Form.Number when decimal.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) => number.ToString("0.##########", CultureInfo.InvariantCulture),
        Form.Day or Form.Time when Time(value) is { } time => form == Form.Time ? Text(time) : time.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
        Form.Html => HubSpotText.FromHtml(value),
        _ => value,
    };

    /// <summary>A time as HubSpot writes it: ISO text or milliseconds since 1970.</summary>
    private static DateTimeOffset? Time(string value) =>
        long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var milliseconds) ? DateTimeOffset.FromUnixTimeMilliseconds(milliseconds)
        : DateTimeOffset.TryParse(value, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time
        : null;

    private static string Text(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private static Dictionary<string, Mapping> Overlay(Dictionary<string, Mapping> defaults, IDictionary<string, string> given)
    {
        var names = given.ToDictionary(g => g.Key, g => g.Value, StringComparer.OrdinalIgnoreCase);
        return defaults.ToDictionary(d => d.Key, d => names.TryGetValue(d.Key, out var name) ? d.Value with { Property = name } : d.Value);
    }

    private static Dictionary<string, string> Choices(IDictionary<string, string> given, IReadOnlyList<string> ours, params ReadOnlySpan<string> defaults)
    {
        var names = given.ToDictionary(g => g.Key.Replace(" ", "", StringComparison.Ordinal), g => g.Value, StringComparer.OrdinalIgnoreCase);
        var map = new Dictionary<string, string>();
        for (var i = 0; i < ours.Count; i++)
            map[ours[i]] = names.GetValueOrDefault(ours[i].Replace(" ", "", StringComparison.Ordinal), defaults[i]);
        return map;
    }

    private enum Form { Text, Number, Day, Time, Html, Choice }

    private sealed record Mapping(string Property, Form Form = Form.Text, bool Watched = true);
}
