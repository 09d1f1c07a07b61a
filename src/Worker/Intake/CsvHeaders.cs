using System.Collections.Frozen;
using System.Globalization;
using System.Text;

namespace LeadPipeline.Worker.Intake;

/// <summary>What the heads of a spreadsheet's columns mean, in the languages that lead lists come in.</summary>
internal static class CsvHeaders
{
    private static readonly FrozenDictionary<string, string> Names = new Dictionary<string, string[]>
    {
        ["leadId"] = ["leadid", "leaduuid"],
        ["externalId"] = ["externalid", "extid", "externeid", "recordid", "crmid", "id", "kundennummer", "referenz", "reference", "idexterne", "idexterno"],
        ["source"] = ["source", "leadsource", "quelle", "herkunft", "origine", "fuente", "origen", "fonte", "bron", "kalla", "zrodlo"],
        ["email"] = ["email", "emailaddress", "mail", "mailaddress", "workemail", "businessemail", "emailadresse", "mailadresse", "adressemail", "adresseemail", "courriel",
            "adresseelectronique", "correo", "correoelectronico", "emailadres", "epost", "epostadress", "postaelettronica", "indirizzoemail", "adresemail", "メール", "メールアドレス", "邮箱", "电子邮件", "이메일", "почта", "электроннаяпочта"],
        ["firstName"] = ["firstname", "givenname", "forename", "first", "vorname", "prenom", "nombre", "nome", "voornaam", "fornamn", "imie", "etunimi", "名", "имя"],
        ["lastName"] = ["lastname", "surname", "familyname", "last", "nachname", "familienname", "zuname", "nom", "nomdefamille", "apellido", "apellidos", "cognome", "sobrenome", "apelido",
            "achternaam", "efternamn", "nazwisko", "sukunimi", "姓", "фамилия"],
        ["name"] = ["name", "fullname", "contactname", "contact", "kontakt", "ansprechpartner", "nomcomplet", "nombrecompleto", "nomecompleto", "nomeecognome", "naam", "namn", "氏名", "姓名", "이름", "фио"],
        ["company"] = ["company", "companyname", "organisation", "organization", "account", "accountname", "employer", "firma", "firmenname", "unternehmen", "societe", "entreprise", "empresa",
            "compania", "azienda", "societa", "ragionesociale", "bedrijf", "foretag", "yritys", "会社", "会社名", "公司", "회사", "компания"],
        ["title"] = ["title", "jobtitle", "position", "role", "funktion", "berufsbezeichnung", "stelle", "poste", "fonction", "cargo", "puesto", "ruolo", "functie", "stanowisko", "役職", "职位", "직함", "должность"],
        ["phone"] = ["phone", "phonenumber", "telephone", "tel", "mobile", "mobilephone", "cell", "telefon", "telefonnummer", "handy", "rufnummer", "numerodetelephone", "portable", "telefono",
            "telefone", "celular", "cellulare", "telefoon", "puhelin", "電話", "電話番号", "电话", "전화", "телефон"],
        ["website"] = ["website", "url", "web", "homepage", "webseite", "webpage", "internet", "siteweb", "site", "sitioweb", "sitoweb", "sito", "hemsida", "сайт"],
        ["country"] = ["country", "countryname", "land", "pays", "pais", "paese", "kraj", "maa", "国", "国家", "국가", "страна"],
        ["message"] = ["message", "comments", "comment", "note", "notes", "description", "nachricht", "bemerkung", "bemerkungen", "kommentar", "anmerkung", "commentaire", "remarque", "mensaje",
            "comentario", "comentarios", "mensagem", "messaggio", "bericht", "opmerking", "meddelande", "メッセージ", "留言", "메시지", "сообщение"],
        ["campaignId"] = ["campaignid", "campaign", "kampagne", "kampagnenid", "campagne", "idcampagne", "campana", "campanha", "campagna"],
        ["receivedAt"] = ["receivedat", "received", "createdat", "created", "timestamp", "submittedat", "eingegangenam", "recule", "recibidoel"],
    }.SelectMany(e => e.Value, (e, synonym) => (synonym, e.Key)).ToFrozenDictionary(p => p.synonym, p => p.Key, StringComparer.Ordinal);

    /// <summary>Our name for a column, or null when its head is not known.</summary>
    internal static string? Field(string header) => Names.GetValueOrDefault(Fold(header));

    /// <summary>Letters and digits only, lower case, without accents: "E-Mail", "e_mail" and "Prénom" fold to "email" and "prenom".</summary>
    private static string Fold(string header)
    {
        var folded = new StringBuilder(header.Length);
        foreach (var rune in LeadText.Clean(header).Normalize(NormalizationForm.FormD).EnumerateRunes())
            if (Rune.IsLetterOrDigit(rune) && Rune.GetUnicodeCategory(rune) != UnicodeCategory.NonSpacingMark)
                folded.Append(Rune.ToLowerInvariant(rune));
        return folded.ToString().Normalize(NormalizationForm.FormC);
    }
}
