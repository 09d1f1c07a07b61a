using LeadPipeline.Mcp.Tools;

namespace LeadPipeline.Mcp.Crm.HubSpot;

/// <summary>
/// Answers one query in as few calls as there are kinds of record in it, side by side where none needs another's answer. People are looked for by
/// unique properties, which HubSpot answers as written; search, which lags behind, supplies candidates only.
/// </summary>
internal sealed class HubSpotReader(HubSpotClient client, HubSpotSchema schema, HubSpotOptions options, HubSpotLists lists)
{
    /// <summary>Words of a company's name that candidates are searched by.</summary>
    private const int SearchedWords = 3;

    /// <exception cref="CrmUnavailableException">HubSpot did not answer, or not now.</exception>
    public async Task<CrmView> ReadAsync(CrmQuery query, CancellationToken cancellationToken)
    {
        var contacts = ContactsAsync(query, cancellationToken);
        var accounts = AccountsAsync(query, cancellationToken);
        var campaign = CampaignAsync(query.Campaign, cancellationToken);
        var users = UsersAsync(query.User, cancellationToken);
        var effects = FindAsync(query.Effects, options.EffectProperty, r => r[options.EffectProperty], cancellationToken);
        var records = FindAsync(query.Records, null, r => r.Id, cancellationToken);
        await Task.WhenAll(contacts, accounts, campaign, users, effects, records);

        var (leads, persons) = contacts.Result;
        var members = query.Campaign is null ? [] : leads.SelectMany(l => Members(l));
        return new CrmView
        {
            Leads = leads.ConvertAll(l => Person(CrmObject.Lead, l, query.Email)),
            Contacts = persons.ConvertAll(p => Person(CrmObject.Contact, p, query.ContactEmail)),
            Accounts = accounts.Result.Accounts.ConvertAll(a => schema.Read(CrmObject.Account, a)),
            OpenOpportunities = accounts.Result.Deals,
            Campaign = campaign.Result,
            Users = users.Result,
            Effects = effects.Result,
            Records = records.Result.Values.Concat(members).DistinctBy(r => r.Id).ToDictionary(r => r.Id),
        };
    }

    /// <summary>The campaigns that a contact is in.</summary>
    private IEnumerable<CrmRecord> Members(HubSpotRecord contact) =>
        CampaignMembership.Values(contact[options.CampaignProperty]).Select(c => CampaignMembership.Record(contact.Id, c));

    private async Task<(List<HubSpotRecord> Leads, List<HubSpotRecord> Contacts)> ContactsAsync(CrmQuery query, CancellationToken cancellationToken)
    {
        string[] emails = [.. ((string?[])[query.Email, query.ContactEmail]).OfType<string>().Where(e => e.Length > 0).Distinct()];
        var byEmail = emails.Length == 0 ? NoneAsync() : client.ReadAsync(HubSpotSchema.Contacts, emails, "email", cancellationToken);
        // The first look goes by e-mail alone. A contact that carries our key under another address is rare, and its key, being unique,
        // keeps a second one from being made: the plan then comes here again with effects to look for, and this time asks for the key as well.
        var withKey = !string.IsNullOrEmpty(query.RecordKey) && (string.IsNullOrEmpty(query.Email) || query.Effects.Count > 0);
        var byKey = withKey ? ByKeyAsync(HubSpotSchema.Contacts, query.RecordKey!, cancellationToken) : NoneAsync();
        await Task.WhenAll(byEmail, byKey);

        var leads = byEmail.Result.Where(c => Has(c, query.Email)).ToList();
        var keyed = byKey.Result;
        if (!withKey && !string.IsNullOrEmpty(query.RecordKey) && leads.Count > 0 && !leads.Exists(c => c[options.KeyProperty] == query.RecordKey))
            keyed = await ByKeyAsync(HubSpotSchema.Contacts, query.RecordKey, cancellationToken);
        return (Oldest(keyed.Concat(leads)), Oldest(byEmail.Result.Where(c => Has(c, query.ContactEmail))));
    }

    private async Task<(List<HubSpotRecord> Accounts, IReadOnlyList<CrmRecord> Deals)> AccountsAsync(CrmQuery query, CancellationToken cancellationToken)
    {
        var filters = Filters(query).ToList();
        var search = filters.Count == 0 ? NoneAsync() : client.SearchAsync(HubSpotSchema.Companies, filters, cancellationToken);
        // An account that search does not know yet is found by its key; until a plan has met one, it is not worth a call.
        var byKey = query.AccountKey is { Length: > 0 } key && query.Effects.Any(e => e.Object == CrmObject.Account)
            ? ByKeyAsync(HubSpotSchema.Companies, key, cancellationToken)
            : NoneAsync();
        await Task.WhenAll(search, byKey);
        var accounts = Oldest(byKey.Result.Concat(search.Result));
        return (accounts, await OpenDealsAsync(Likely(accounts, query), cancellationToken));
    }

    private static IEnumerable<IReadOnlyList<(string, string, string)>> Filters(CrmQuery query)
    {
        if (query.AccountDomain is { Length: > 0 } domain)
            yield return [("domain", "EQ", domain)];
        string[] words = query.AccountName is { Length: > 0 } name
            ? [.. CompanyNames.Core(name).Split(' ', StringSplitOptions.RemoveEmptyEntries).Distinct().OrderByDescending(w => w.Length).Take(SearchedWords)]
            : [];
        if (words.Length > 0)
            yield return [.. words.Select(w => ("name", "CONTAINS_TOKEN", w))];
        // A name with a word more or less, or with a slip in one of them, is still a candidate.
        if (words.Length > 1)
            yield return [("name", "CONTAINS_TOKEN", words[0])];
    }

    /// <summary>The accounts that can turn out to be the one; nobody asks for the deals of others.</summary>
    private List<string> Likely(List<HubSpotRecord> accounts, CrmQuery query)
    {
        var known = accounts.ConvertAll(a => schema.Read(CrmObject.Account, a));
        var byDomain = known.Where(a => query.AccountDomain is { Length: > 0 } domain && string.Equals(a[CrmFields.Domain], domain, StringComparison.OrdinalIgnoreCase)).ToList();
        var likely = byDomain.Count > 0 ? byDomain : known.Where(a => query.AccountName is { Length: > 0 } name && CompanyNames.Likeness(name, a[CrmFields.Name] ?? "") > MatchAccount.Threshold);
        return [.. likely.Select(a => a.Id)];
    }

    private async Task<IReadOnlyList<CrmRecord>> OpenDealsAsync(List<string> accounts, CancellationToken cancellationToken)
    {
        if (accounts.Count == 0)
            return [];
        var associated = await client.AssociatedAsync(HubSpotSchema.Companies, HubSpotSchema.Deals, accounts, cancellationToken);
        var ids = associated.SelectMany(a => a).Distinct().ToList();
        if (ids.Count == 0)
            return [];
        var deals = (await client.ReadAsync(HubSpotSchema.Deals, ids, null, cancellationToken)).ToDictionary(d => d.Id);
        return
        [
            .. from account in associated
               from id in account.Distinct()
               where deals.TryGetValue(id, out var deal) && deal[HubSpotSchema.IsClosed] != "true"
               select schema.Read(CrmObject.Opportunity, deals[id], KeyValuePair.Create(CrmFields.Account, account.Key)),
        ];
    }

    private async Task<CrmRecord?> CampaignAsync(string? campaign, CancellationToken cancellationToken)
    {
        if (string.IsNullOrEmpty(campaign))
            return null;
        var all = await lists.CampaignsAsync(cancellationToken);
        return all.FirstOrDefault(c => c.Id == campaign)
            ?? all.FirstOrDefault(c => string.Equals(c.Id, campaign, StringComparison.OrdinalIgnoreCase) || string.Equals(c[CrmFields.Name], campaign, StringComparison.OrdinalIgnoreCase));
    }

    private async Task<IReadOnlyList<CrmRecord>> UsersAsync(string? user, CancellationToken cancellationToken) => string.IsNullOrEmpty(user)
        ? []
        : [.. (await lists.OwnersAsync(cancellationToken)).Where(o => o.Id == user
            || string.Equals(o[CrmFields.Email], user, StringComparison.OrdinalIgnoreCase) || string.Equals(o[CrmFields.Name], user, StringComparison.OrdinalIgnoreCase))];

    /// <summary>Records of any kinds by a unique property or by id, one call a type; what they hang on, when it is not a property of theirs.</summary>
    private async Task<IReadOnlyDictionary<string, CrmRecord>> FindAsync(
        IReadOnlyCollection<(CrmObject Object, string Key)> wanted, string? idProperty, Func<HubSpotRecord, string?> keyOf, CancellationToken cancellationToken)
    {
        var found = new Dictionary<string, CrmRecord>();
        var members = idProperty is null ? wanted.Where(w => w.Object == CrmObject.CampaignMember).Select(w => CampaignMembership.Parse(w.Key)).OfType<(string Contact, string Campaign)>().ToList() : [];
        var types = wanted.Where(w => HubSpotSchema.TypeOf(w.Object) is not null).Select(w => (Type: HubSpotSchema.TypeOf(w.Object)!, w.Object, w.Key))
            .Concat(members.Select(m => (Type: HubSpotSchema.Contacts, Object: CrmObject.CampaignMember, Key: m.Contact)))
            .GroupBy(w => w.Type).ToList();
        var answers = await Task.WhenAll(types.Select(async group =>
        {
            var records = await client.ReadAsync(group.Key, group.Select(g => g.Key), idProperty, cancellationToken);
            return (group, records, links: await LinksAsync(group.Key, records, cancellationToken));
        }));
        foreach (var (group, records, links) in answers)
        {
            var byKey = records.Where(r => keyOf(r) is not null).DistinctBy(r => keyOf(r)).ToDictionary(r => keyOf(r)!);
            foreach (var (_, kind, key) in group.Where(g => g.Object != CrmObject.CampaignMember && byKey.ContainsKey(g.Key)))
                found[key] = schema.Read(kind, byKey[key], links[byKey[key].Id]);
        }
        foreach (var (contact, campaign) in members)
        {
            if (answers.SelectMany(a => a.records).FirstOrDefault(r => r.Id == contact) is { } record && CampaignMembership.Values(record[options.CampaignProperty]).Contains(campaign))
                found[CampaignMembership.Id(contact, campaign)] = CampaignMembership.Record(contact, campaign);
        }
        return found;
    }

    private async Task<ILookup<string, KeyValuePair<string, string>>> LinksAsync(string type, IReadOnlyList<HubSpotRecord> records, CancellationToken cancellationToken)
    {
        var (to, field) = type switch
        {
            HubSpotSchema.Tasks or HubSpotSchema.Notes => (HubSpotSchema.Contacts, CrmFields.Lead),
            HubSpotSchema.Deals => (HubSpotSchema.Companies, CrmFields.Account),
            _ => (null, null),
        };
        var associated = to is null || records.Count == 0
            ? Enumerable.Empty<(string From, string To)>().ToLookup(p => p.From, p => p.To)
            : await client.AssociatedAsync(type, to, records.Select(r => r.Id), cancellationToken);
        return associated.SelectMany(a => a.Take(1).Select(id => (From: a.Key, Link: KeyValuePair.Create(field!, id)))).ToLookup(l => l.From, l => l.Link);
    }

    /// <summary>A contact answers to further addresses, too; whoever asked by one of them is told that one.</summary>
    private CrmRecord Person(CrmObject kind, HubSpotRecord contact, string? asked)
    {
        var record = schema.Read(kind, contact);
        return asked is { Length: > 0 } && record[CrmFields.Email] != asked && Has(contact, asked)
            ? record with { Fields = new Dictionary<string, string>(record.Fields) { [CrmFields.Email] = asked } }
            : record;
    }

    private static bool Has(HubSpotRecord contact, string? email) => !string.IsNullOrEmpty(email)
        && (string.Equals(contact["email"], email, StringComparison.OrdinalIgnoreCase)
            || (contact[HubSpotSchema.FurtherEmails]?.Split(';', StringSplitOptions.TrimEntries) ?? []).Contains(email, StringComparer.OrdinalIgnoreCase));

    private Task<IReadOnlyList<HubSpotRecord>> ByKeyAsync(string type, string key, CancellationToken cancellationToken) =>
        client.ReadAsync(type, [key], options.KeyProperty, cancellationToken);

    private static Task<IReadOnlyList<HubSpotRecord>> NoneAsync() => Task.FromResult<IReadOnlyList<HubSpotRecord>>([]);

    // Ids grow with time.
    private static List<HubSpotRecord> Oldest(IEnumerable<HubSpotRecord> records) => [.. records.DistinctBy(r => r.Id).OrderBy(r => r.Id.Length).ThenBy(r => r.Id, StringComparer.Ordinal)];
}
