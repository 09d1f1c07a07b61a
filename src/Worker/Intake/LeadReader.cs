using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using LeadPipeline.Contracts;

namespace LeadPipeline.Worker.Intake;

/// <summary>
/// Turns a body of any shape into a normalised lead, or says field by field what the sender has to change. Never throws on
/// any JSON. Names are taken as documented: guessing that "mail" means "email" is for spreadsheets, not for programs.
/// </summary>
public static class LeadReader
{
    private static readonly TimeSpan FutureTolerance = TimeSpan.FromMinutes(5);

    private static readonly string[] TimeFormats =
    [
        "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK", "yyyy-MM-dd'T'HH:mmK", "yyyy-MM-dd HH:mm:ss.FFFFFFFK", "yyyy-MM-dd HH:mmK", "yyyy-MM-dd",
    ];

    /// <summary>Reads one lead.</summary>
    public static ReadLead Read(JsonElement body, LeadOrigin origin, DateTimeOffset now)
    {
        if (body.ValueKind != JsonValueKind.Object)
            return new ReadLead.Refused([new("$", $"is {Kind(body)}, not an object", "send a lead as one JSON object with at least \"email\"")]);

        var draft = new Draft(origin, now);
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var member in body.EnumerateObject())
        {
            if (LeadJson.Name(member, "$", draft.Errors) is not { } name)
                continue;
            if (names.Add(name))
                draft.Take(name, member.Value);
            else
                draft.Errors.Add(LeadJson.Duplicate(Shown(name)));
        }
        return draft.Finish();
    }

    private static string Kind(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Array => "an array",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "a number",
        JsonValueKind.True or JsonValueKind.False => "a boolean",
        JsonValueKind.Object => "an object",
        _ => "null",
    };

    /// <summary>A sender's own member name, safe to repeat in an answer.</summary>
    internal static string Shown(string name) => LeadText.Cut(LeadText.Clean(name), 100) is { Length: > 0 } shown ? shown : "(a member name)";

    /// <summary>The fields as they are found, in any order; judged together at the end.</summary>
    private sealed class Draft(LeadOrigin origin, DateTimeOffset now)
    {
        private readonly Dictionary<string, string> _custom = new(StringComparer.Ordinal);
        private readonly List<string> _warnings = [];
        private string? _email, _name, _firstName, _lastName, _company, _title, _phone, _website, _country, _message, _campaignId, _externalId, _source;
        private string? _almostEmail;
        private Guid? _leadId;
        private DateTimeOffset? _receivedAt;
        private JsonObject? _enrichment, _marketing, _product;

        public List<FieldError> Errors { get; } = [];

        public void Take(string name, JsonElement value)
        {
            switch (name)
            {
                case "leadId": _leadId = LeadId(value); break;
                case "externalId": _externalId = Line(name, value, 200); break;
                case "source": _source = Line(name, value, 100); break;
                case "email": _email = Line(name, value, EmailAddress.MaxLength); break;
                case "firstName": _firstName = Line(name, value, 100); break;
                case "lastName": _lastName = Line(name, value, 100); break;
                case "name": _name = Line(name, value, 200); break;
                case "company": _company = Line(name, value, 200); break;
                case "title": _title = Line(name, value, 150); break;
                case "phone": _phone = Line(name, value, 50); break;
                case "website": _website = Line(name, value, 300); break;
                case "country": _country = Line(name, value, 100); break;
                case "campaignId": _campaignId = Line(name, value, 100); break;
                case "message": _message = Message(value); break;
                case "receivedAt": _receivedAt = Time(value); break;
                case "enrichment": _enrichment = Block(name, value); break;
                case "marketing": _marketing = Block(name, value); break;
                case "product": _product = Block(name, value); break;
                case "customFields": Custom(value); break;
                // Ours, not the sender's: whether a sender is believed is for the door to say, and why a line was refused stands in a file of refusals that is fed again. Text they must be, for the lead travels as it came.
                case "trusted" or LeadFileLayout.RejectedBecause: Errors.AddRange(StrictJson.Check(value, name) is { } fault ? [fault] : []); break;
                default:
                    if (name.Equals("email", StringComparison.OrdinalIgnoreCase))
                        _almostEmail = name;
                    LeadJson.Flatten(name, value, _custom, Errors, _warnings);
                    break;
            }
        }

        public ReadLead Finish()
        {
            var email = Email();
            var (first, last) = _name is null ? (_firstName, _lastName) : PersonName.Complete(_name, _firstName, _lastName);
            NamePart("name", first);
            NamePart("name", last);
            if (Errors.Count > 0)
                return new ReadLead.Refused(Errors);

            var lead = new Lead
            {
                LeadId = default,
                ExternalId = _externalId,
                Source = _source ?? origin.Door,
                Email = email,
                FirstName = first,
                LastName = last,
                Company = _company,
                Title = _title,
                Phone = _phone,
                Website = _website,
                Country = _country,
                Message = _message,
                CampaignId = _campaignId,
                ReceivedAt = ReceivedAt(),
                CustomFields = _custom,
                Trusted = origin.Trusted,
                Enrichment = _enrichment,
                Marketing = _marketing,
                Product = _product,
            };
            var keys = LeadIdentity.Keys(lead, _leadId, origin.IdempotencyKey, origin.Door, origin.AcceptedAt ?? now, origin.DedupeWindow);
            return new ReadLead.Accepted(lead with { LeadId = origin.AnsweredLeadId ?? keys.LeadId }, keys, _warnings);
        }

        private string Email()
        {
            if (_email is null)
            {
                // A bad value has its own error already.
                if (!Errors.Exists(e => e.Field == "email"))
                    Errors.Add(new("email", "is missing", _almostEmail is null
                        ? "send the person's e-mail address"
                        : $"names are case-sensitive: send \"email\" instead of \"{_almostEmail}\""));
                return "";
            }
            if (!EmailAddress.TryNormalise(_email, out var address, out var problem))
                Errors.Add(new("email", problem, "send one plain address such as name@company.com"));
            return address;
        }

        private void NamePart(string field, string? part)
        {
            if (part is { Length: > 100 } && part != _firstName && part != _lastName)
                Errors.Add(new(field, "has a part of more than 100 characters", "send firstName and lastName, at most 100 characters each"));
        }

        private DateTimeOffset ReceivedAt()
        {
            if (_receivedAt is not { } stated)
                return now;
            if (stated <= now + FutureTolerance)
                return stated;
            _warnings.Add("receivedAt was more than 5 minutes in the future and was replaced by the time of arrival");
            return now;
        }

        private string? Line(string field, JsonElement value, int limit)
        {
            if (Raw(field, value) is not { } raw)
                return null;
            var text = LeadText.Clean(raw);
            if (text.Length > limit)
            {
                Errors.Add(new(field, $"is longer than {limit} characters", $"shorten it to {limit} characters"));
                return null;
            }
            if (text.Length != raw.Length && LeadText.HidesCharacters(raw))
                _warnings.Add($"invisible characters were removed from {field}");
            return text.Length == 0 ? null : text;
        }

        private string? Message(JsonElement value)
        {
            if (Raw("message", value) is not { } raw)
                return null;
            // Some characters grow eighteenfold when normalised; nobody needs the tail of a megabyte of them.
            var text = LeadText.Clean(LeadText.Cut(raw, 32_000), lines: true);
            if (text.Length > 8000 || raw.Length > 32_000)
            {
                text = LeadText.Cut(text, 8000);
                _warnings.Add("message was longer than 8000 characters and was cut");
            }
            if (LeadText.HidesCharacters(raw))
                _warnings.Add("invisible characters were removed from message");
            return text.Length == 0 ? null : text;
        }

        private string? Raw(string field, JsonElement value)
        {
            if (value.ValueKind == JsonValueKind.String)
                return LeadJson.Text(value, field, Errors);
            if (value.ValueKind != JsonValueKind.Null)
                Errors.Add(new(field, $"is {Kind(value)}, not a string", "send a JSON string, or leave it out"));
            return null;
        }

        private Guid? LeadId(JsonElement value)
        {
            if (Raw("leadId", value) is not { } raw || raw.Length == 0)
                return null;
            if (Guid.TryParseExact(raw.Trim(), "D", out var id) && id != Guid.Empty)
                return id;
            Errors.Add(new("leadId", "is not a UUID", "send a UUID such as 3f2b8c1e-0d4a-4e6b-9a7c-5d1f2e3a4b5c, or use externalId for an id of your own"));
            return null;
        }

        private DateTimeOffset? Time(JsonElement value)
        {
            if (Raw("receivedAt", value) is not { } raw || raw.Length == 0)
                return null;
            // A time without an offset is taken as UTC: the clock of this machine has nothing to do with the sender's.
            if (DateTimeOffset.TryParseExact(raw.Trim(), TimeFormats, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time))
                return time;
            Errors.Add(new("receivedAt", "is not an ISO 8601 time", "send a time such as 2026-01-15T10:30:00Z, or leave it out"));
            return null;
        }

        private JsonObject? Block(string field, JsonElement value)
        {
            if (value.ValueKind == JsonValueKind.Object)
                return LeadJson.Block(value, field, Errors);
            if (value.ValueKind != JsonValueKind.Null)
                Errors.Add(new(field, $"is {Kind(value)}, not an object", "send an object, or leave it out"));
            return null;
        }

        private void Custom(JsonElement value)
        {
            if (value.ValueKind == JsonValueKind.Object)
                LeadJson.Flatten("", value, _custom, Errors, _warnings);
            else if (value.ValueKind != JsonValueKind.Null)
                Errors.Add(new("customFields", $"is {Kind(value)}, not an object", "send an object of strings, or leave it out"));
        }
    }
}
