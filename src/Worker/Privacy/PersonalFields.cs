using System.Collections.Frozen;

namespace LeadPipeline.Worker.Privacy;

/// <summary>
/// Which field names hold personal data. A name matches as a whole, case and <c>_</c>, <c>-</c>, space aside: <c>first_name</c>
/// is <c>firstName</c>, but <c>circuitState</c> is not <c>state</c>.
/// </summary>
internal static class PersonalFields
{
    private static readonly FrozenDictionary<string, PersonalDataKind> Kinds = new Dictionary<PersonalDataKind, string[]>
    {
        [PersonalDataKind.Email] = ["email", "emails", "emailaddress", "workemail", "businessemail", "personalemail", "secondaryemail", "contactemail", "mail", "courriel", "correo", "replyto"],
        [PersonalDataKind.Phone] = ["phone", "phones", "phonenumber", "mobile", "mobilephone", "mobilenumber", "cell", "cellphone", "telephone", "tel", "fax", "faxnumber", "homephone",
            "workphone", "otherphone", "whatsapp", "telefon", "telefono", "handy"],
        [PersonalDataKind.Name] = ["name", "firstname", "lastname", "middlename", "fullname", "givenname", "familyname", "surname", "maidenname", "nickname", "displayname", "contactname",
            "personname", "ownername", "vorname", "nachname", "prenom", "nom", "apellido", "cognome"],
        [PersonalDataKind.Address] = ["address", "street", "street1", "street2", "streetaddress", "address1", "address2", "addressline1", "addressline2", "mailingaddress", "billingaddress",
            "shippingaddress", "homeaddress", "mailingstreet", "billingstreet", "city", "town", "mailingcity", "billingcity", "state", "province", "county", "mailingstate", "billingstate",
            "adresse", "strasse", "ort", "stadt", "direccion", "indirizzo", "ip", "ipaddress", "latitude", "longitude"],
        [PersonalDataKind.PostalCode] = ["postalcode", "postcode", "zip", "zipcode", "mailingpostalcode", "billingpostalcode", "plz", "codepostal", "codigopostal", "cap"],
        [PersonalDataKind.OfficialNumber] = ["ssn", "socialsecurity", "socialsecuritynumber", "sin", "nino", "nationalid", "nationalidnumber", "personnummer", "taxid", "taxnumber", "tin", "ein",
            "vat", "vatid", "vatnumber", "steuernummer", "steuerid", "ustid", "ustidnr", "siret", "nif", "cif", "cpf", "cnpj", "codicefiscale", "passport", "passportnumber", "driverslicense",
            "iban", "accountnumber", "bankaccount", "creditcard", "cardnumber", "dateofbirth", "birthdate", "birthday", "dob"],
    }.SelectMany(e => e.Value, (e, name) => (name, e.Key)).ToFrozenDictionary(p => p.name, p => p.Key, StringComparer.Ordinal);

    /// <summary>Ids are digits by nature and no telephone numbers, whatever they look like. An e-mail in one is masked all the same.</summary>
    private static readonly FrozenSet<string> Ids = FrozenSet.Create(StringComparer.Ordinal,
        "id", "leadid", "runid", "executionid", "recordid", "externalid", "accountid", "contactid", "opportunityid", "taskid", "campaignid", "ownerid", "eventid",
        "messageid", "correlationid", "traceid", "effectkey", "recordkey", "hash", "prevhash", "planhash", "verdicthash", "at", "receivedat", "dueat", "publishedat", "seq", "version");

    /// <summary>Our own records also have names; a policy or a tool is no person.</summary>
    private static readonly FrozenSet<string> OwnersOfOtherNames = FrozenSet.Create(StringComparer.Ordinal,
        "policy", "tool", "tools", "analyzer", "model", "provider", "campaign", "account", "company", "file", "queue", "breaker", "step", "steps", "opportunity", "check", "checks");

    /// <summary>What our own machines call their states: <c>{"step", "state": "confirmed"}</c> is no address.</summary>
    private static readonly FrozenSet<string> MachineStates = FrozenSet.Create(StringComparer.OrdinalIgnoreCase,
        "planned", "sent", "confirmed", "unchanged", "skipped", "failed", "absent", "unknown", "compensated", "not_needed", "cannot_compensate",
        "open", "half_open", "closed", "used", "approved", "denied", "expired", "pending", "done", "cannot", "ok", "healthy", "degraded", "unhealthy");

    internal static PersonalDataKind? Kind(string field, string? parent)
    {
        var folded = Fold(field);
        if (!Kinds.TryGetValue(folded, out var kind))
            return null;
        return folded == "name" && parent is not null && OwnersOfOtherNames.Contains(Fold(parent)) ? null : kind;
    }

    internal static bool IsId(string field) => Ids.Contains(Fold(field));

    internal static bool IsMachineState(string field, string value) => MachineStates.Contains(value) && Fold(field) == "state";

    private static string Fold(string field)
    {
        var simple = true;
        foreach (var c in field)
            simple &= char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c);
        return simple ? field : field
            .Replace("_", "", StringComparison.Ordinal).Replace("-", "", StringComparison.Ordinal).Replace(" ", "", StringComparison.Ordinal).ToLowerInvariant();
    }
}
