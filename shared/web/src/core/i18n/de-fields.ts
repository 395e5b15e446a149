// What the API says of the fields of a form, in German: by its English text, with # for each number.

export const fieldTexts: Record<string, string> = {
  "is required": "Bitte füllen Sie dieses Feld aus.",
  "must be at most # characters": "Bitte geben Sie höchstens # Zeichen ein.",
  "must be # to # characters": "Bitte geben Sie # bis # Zeichen ein.",
  "must have at least one visible character": "Bitte geben Sie mindestens ein sichtbares Zeichen ein.",
  "must not contain control characters": "Bitte lassen Sie Steuerzeichen weg.",
  "must not contain characters that change the direction of the text": "Bitte lassen Sie Zeichen weg, die die Schreibrichtung ändern.",
  "is not an e-mail address": "Das ist keine E-Mail-Adresse.",
  "must be # to # characters a-z, #-#, '.', '_', '-' and start with a letter": "Nehmen Sie # bis # Zeichen: Buchstaben von a bis z, Ziffern, Punkt, Unterstrich und Bindestrich, am Anfang einen Buchstaben.",
  "must be '+' and # to # digits (E.#)": "Schreiben Sie ein + und danach # bis # Ziffern.",
  "must be letters, digits, spaces and hyphens": "Nehmen Sie nur Buchstaben, Ziffern, Leerzeichen und Bindestriche.",
  "is too easy to guess: use at least five different characters": "Das ist zu leicht zu erraten. Nehmen Sie mindestens fünf verschiedene Zeichen.",
  "is too easy to guess: use four or more words that do not belong together, or one that a password manager has made":
    "Das ist zu leicht zu erraten. Nehmen Sie vier oder mehr Wörter, die nicht zusammengehören, oder ein Passwort aus einem Passwort-Manager.",
  "must not contain the username or the e-mail address": "Das Passwort darf weder Ihren Benutzernamen noch Ihre E-Mail-Adresse enthalten.",
  "must be your password": "Das ist nicht Ihr Passwort.",
  "is wrong or was used already": "Dieser Code ist falsch oder wurde schon benutzt.",
  "is wrong, was used already or has expired; please request another": "Dieser Code ist falsch, wurde schon benutzt oder ist abgelaufen. Bitte fordern Sie einen neuen an.",
  "must be the code of a region (ISO #-#), because taxes depend on it": "Bitte geben Sie den Code der Region ein, etwa CA. Die Steuer hängt davon ab.",
  "is not a product on sale": "Dieses Produkt wird nicht verkauft.",
  "cannot be saved": "Diese Karte kann nicht gespeichert werden.",
};
